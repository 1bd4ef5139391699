import type { DriftIgnoreRule } from '../drift/drift-ignore.ts';
import type { Target } from '../owner/clusters.ts';
import type { AppliedChange } from './apply-context.ts';

/**
 * Remembers for an owner what an apply has left of its objects. The record of what did not have to be sent is right as it
 * is; whether a skipped object is the owner's, its labels and the inventory tell.
 *
 * @param at where it was applied
 * @param owner `<namespace>/<name>`
 * @param o.ignore fields that are left to others
 */
export function recordApplied(
  { cluster, live }: Pick<Target, 'cluster' | 'live'>,
  owner: string,
  { changes, ignore }: { changes: readonly AppliedChange[]; ignore: DriftIgnoreRule[] },
): void {
  const own = changes.filter(({ object, action, sent }) => {
    if (action === 'skipped') return live.shows(object);
    return action !== 'unchanged' || sent !== undefined;
  });
  const sentOf = new Map(own.map(({ object, sent }) => [object, sent]));
  cluster.applied.record(owner, [...sentOf.keys()], {
    ignore,
    sentOf: (object) => sentOf.get(object),
  });
}
