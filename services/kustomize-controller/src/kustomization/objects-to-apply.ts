import type { KubeObject } from '@sluice/shared/api';
import type { Target } from '@sluice/shared/engine';
import { scopeObjects } from './label.ts';
import { withOwnNamespaces } from './renamed-namespaces.ts';
import type { Build, Run } from './run.ts';

/** Returns the objects of a build as an apply sends them: in their namespaces, if their kind has any. */
export async function objectsToApply(
  run: Run,
  target: Target,
  build: Build,
): Promise<KubeObject[]> {
  return scopeObjects(await withOwnNamespaces(run, target, build), target.client);
}
