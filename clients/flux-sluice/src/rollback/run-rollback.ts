import {
  reconcileRequestAnnotation,
  rollbackByAnnotation,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
} from '@sluice/shared/api';
import { maxAnnotationText } from '@sluice/shared/applier';
import { UsageError } from '../errors.ts';
import { print } from '../output/report.ts';
import { exitCodes, type Session } from '../session.ts';
import { annotate } from '../target/annotate.ts';
import { currentUser } from '../target/current-user.ts';
import { findTarget, nameOf, referenceOf, type Target } from '../target/target.ts';
import { awaitRollback } from './await-rollback.ts';
import { type Way, wayBack } from './way-back.ts';

/**
 * Has the object that the command line names go back to what was healthy before, and waits until it has.
 *
 * @returns the exit code: 1 when the user has thought better of it
 * @throws UsageError without a reason of a fit length, CliError, ApiError, ConnectionError
 */
export async function runRollback(session: Session): Promise<number> {
  const reason = reasonOf(session);
  const target = await findTarget(session);
  const way = wayBack(target);
  if (!(await isConfirmed(session, target, way))) {
    session.terminal.note('Nothing was rolled back.');
    return exitCodes.failed;
  }
  const user = await currentUser(session.client);
  const requestedAt = new Date(session.now()).toISOString();
  const annotations = {
    [rollbackRequestAnnotation]: requestedAt,
    [rollbackFromAnnotation]: way.from,
    [rollbackReasonAnnotation]: reason,
    [rollbackByAnnotation]: user,
    [reconcileRequestAnnotation]: requestedAt,
  };
  await annotate(session, target, { annotations });
  const { status } = await awaitRollback(session, target, requestedAt);
  print(session, {
    text: () => `${nameOf(target)} is back at ${way.former}\n`,
    json: () => ({ ...referenceOf(target), annotations, rollback: status?.rollback }),
  });
  return exitCodes.done;
}

function reasonOf({ invocation: { reason } }: Session): string {
  if (reason === undefined) throw new UsageError('rollback needs --reason: say why');
  if (reason.length <= maxAnnotationText) return reason;
  throw new UsageError(
    `--reason has ${reason.length} characters, and ${maxAnnotationText} are kept: say it in fewer`,
  );
}

async function isConfirmed(
  { terminal, invocation }: Session,
  target: Target,
  { present, former }: Way,
): Promise<boolean> {
  terminal.note(`${nameOf(target)} goes back`);
  terminal.note(`  from ${present}, which is not applied again until something changes`);
  terminal.note(`  to   ${former}`);
  if (invocation.yes) return true;
  if (terminal.ask === undefined)
    throw new UsageError('there is no terminal to ask at: confirm with --yes');
  const answer = await terminal.ask('Go back? [y/N] ');
  return ['y', 'yes'].includes(answer.trim().toLowerCase());
}
