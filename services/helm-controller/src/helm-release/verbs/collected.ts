import { chartOf, eventFacts, releaseOf } from '@sluice/shared/applier';
import type { Release } from '../../release/release.ts';
import type { Snapshot } from '../../release/snapshot.ts';
import type { ActionEnd } from '../action.ts';
import { sayFailure } from '../events.ts';
import type { Run } from '../run.ts';
import { draftOf, noteRelease, setCondition } from '../status.ts';

/** Names the release of an entry and its chart, to follow the name of an action. */
export function shown(snapshot: Snapshot | undefined): string {
  return snapshot === undefined ? '' : ` of ${releaseOf(snapshot)} with chart ${chartOf(snapshot)}`;
}

/** Whether status.history has a revision. */
export function isInHistory(run: Run, { name, namespace, version }: Release): boolean {
  const history = draftOf(run).history ?? [];
  return history.some(
    (one) => one.name === name && one.namespace === namespace && one.version === version,
  );
}

/** Notes releases whose state has changed, of those that the history has. */
export function noteKnown(run: Run, releases: readonly Release[]): void {
  for (const release of releases) if (isInHistory(run, release)) noteRelease(run, release);
}

/** Marks a condition as failed and announces it, unless the error is thrown on, which announces it as well. */
export async function collectFailure(
  run: Run,
  o: {
    condition: string;
    reason: string;
    message: string;
    isThrown: boolean;
    about?: Snapshot;
    end?: Pick<ActionEnd, 'firstFailure' | 'changes'>;
  },
): Promise<void> {
  const { condition, reason, message, about } = o;
  const status = draftOf(run);
  status.failures = (status.failures ?? 0) + 1;
  setCondition(run, condition, { status: 'False', reason, message });
  const { firstFailure, changes } = o.end ?? {};
  const facts = eventFacts({ firstFailure, changes: changes?.text });
  if (!o.isThrown) await sayFailure(run, { reason, message, about, facts });
}
