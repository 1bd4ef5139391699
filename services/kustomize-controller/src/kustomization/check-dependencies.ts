import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { WaitingError } from '@sluice/shared/base';
import { type Run, sourceOf } from './run.ts';
import { sourceIdOf } from './source-id.ts';

/** What has the same source must have applied the same revision. */
function whyOutdated(run: Run, dependency: KubeObject): string | undefined {
  const { status } = dependency as Kustomization;
  const sameSource = sourceIdOf(dependency as Kustomization) === sourceIdOf(run.object);
  const isCurrent = status?.lastAppliedRevision === sourceOf(run).revision;
  return sameSource && !isCurrent ? 'revision is not up to date' : undefined;
}

/**
 * Checks that everything in spec.dependsOn is ready, and has applied the same revision when it has the same source.
 *
 * @throws WaitingError DependencyNotReady; the dependency's change re-enqueues
 * @throws StalledError as `DependencyWatch.check`
 */
export async function checkDependencies(run: Run): Promise<void> {
  const { object, deps, state, signal } = run;
  try {
    await deps.dependencies.check(object, {
      moreToAsk: (dependency) => whyOutdated(run, dependency),
      signal,
    });
  } catch (error) {
    if (error instanceof WaitingError) state.phase = 'unknown';
    throw error;
  }
}
