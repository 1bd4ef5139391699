import type { ActionOptions } from '../../action/context.ts';
import type { Run } from '../run.ts';
import { timeoutOf } from '../spec.ts';

/** Records of a release that are kept unless told otherwise. */
const defaultMaxHistory = 5;

/** Returns what the actions that apply objects have in common. */
export function applyOptionsOf(
  { object: { spec }, object, deps }: Run,
  action: 'install' | 'upgrade' | 'rollback',
): ActionOptions {
  const own = spec[action];
  return {
    waitStrategy: spec.waitStrategy?.name ?? (deps.settings.helm3Defaults ? 'legacy' : 'poller'),
    disableWait: own?.disableWait ?? false,
    disableWaitForJobs: own?.disableWaitForJobs ?? false,
    timeoutMs: timeoutOf(object, action),
    disableHooks: own?.disableHooks ?? false,
  };
}

/** Returns what the actions that follow another revision have in common besides. */
export function revisionOptionsOf(run: Run, action: 'upgrade' | 'rollback') {
  const { spec } = run.object;
  return {
    ...applyOptionsOf(run, action),
    force: spec[action]?.force ?? false,
    cleanupOnFail: spec[action]?.cleanupOnFail ?? false,
    maxHistory: spec.maxHistory ?? defaultMaxHistory,
  };
}
