import {
  formatObjectId,
  type HealthRules,
  type LiveChange,
  objectIdOf,
} from '@sluice/shared/engine';
import { type Grounds, isUnread, judgeShown } from './judge-shown.ts';
import type { KustomizationState } from './state.ts';

/** Notes the effect of a change on a wait for health; returns whether the wait has something new to see. */
export function noteHealthChange(
  { object, type, previous }: LiveChange,
  { wait, phase, applied, reads }: KustomizationState,
  rules: HealthRules,
): boolean {
  const id = formatObjectId(objectIdOf(object));
  if (!wait?.isAwaited(id) || (phase !== 'health' && phase !== 'unhealthy')) return false;
  const known = applied?.objects.get(id);
  // What was skipped may be anybody's.
  const grounds: Grounds = { applied: known?.skipped ? undefined : known, reads, rules };
  if (type !== 'deleted' && isUnread(object, grounds)) {
    // Who was woken by the first change that is not read yet looks again until all are.
    return previous === undefined || !isUnread(previous, grounds);
  }
  const { status } = judgeShown(object, grounds);
  if (status === 'Failed') return phase === 'health';
  if (status !== 'Current') return type === 'deleted';
  return wait.settle(id);
}
