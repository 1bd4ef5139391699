import {
  evaluateHealth,
  formatObjectId,
  type HealthRules,
  judgePresent,
  type LiveChange,
  objectIdOf,
} from '@sluice/shared/engine';
import type { KustomizationState } from './state.ts';

/** Notes the effect of a change on a wait for health; returns whether the wait has something new to see. */
export function noteHealthChange(
  { object, type }: LiveChange,
  { wait, phase, applied }: KustomizationState,
  rules: HealthRules,
): boolean {
  const id = formatObjectId(objectIdOf(object));
  if (!wait?.isAwaited(id) || (phase !== 'health' && phase !== 'unhealthy')) return false;
  const judge = () => evaluateHealth(object, rules);
  const known = applied?.objects.get(id);
  const { status } = known === undefined ? judge() : judgePresent(known, object, judge);
  if (status === 'Failed') return phase === 'health';
  if (status !== 'Current') return type === 'deleted';
  return wait.settle(id);
}
