import { errorMessage } from '@sluice/shared/base';
import type { ActionEnd, Collected } from '../action.ts';
import { saySuccess } from '../events.ts';
import type { Run } from '../run.ts';
import { latestSnapshot, remediatedCondition, setCondition } from '../status.ts';
import { collectFailure, noteKnown, shown } from './collected.ts';

/** Notes in the condition and announces what a remediation has come to. */
export async function collectRemediation(
  run: Run,
  end: ActionEnd,
  o: { action: 'rollback' | 'uninstall'; succeeded: string; failed: string },
): Promise<Collected> {
  const { release, others, error } = end;
  const isLost = error !== undefined && release === undefined;
  noteKnown(run, others);
  const about = latestSnapshot(run);
  const condition = remediatedCondition;
  if (error !== undefined) {
    const reason = o.failed;
    const message = `Helm ${o.action}${shown(about)} failed: ${errorMessage(error)}`;
    await collectFailure(run, { condition, reason, message, isThrown: isLost, about, end });
    return { reason, message, ...(isLost && { error }) };
  }
  const reason = o.succeeded;
  const message = `Helm ${o.action}${shown(about)} succeeded`;
  setCondition(run, condition, { status: 'True', reason, message });
  if (about !== undefined) await saySuccess(run, { reason, message, about });
  return { reason, message };
}
