import type { KubeObject } from '@sluice/shared/api';
import { ReconcileError } from '@sluice/shared/base';
import { formatObjectId, isNamespace, objectIdOf, type Target } from '@sluice/shared/engine';
import { coreResources, isNotFound } from '@sluice/shared/kube';
import type { Build, Run } from './run.ts';

function namespacesOf(objects: readonly KubeObject[]): KubeObject[] {
  return objects.filter((object) => isNamespace(objectIdOf(object)));
}

const isNamed = (name: string | undefined) => (object: KubeObject) => object.metadata.name === name;

/**
 * Returns the Namespaces that spec.targetNamespace has renamed, under their own names.
 *
 * @param again builds once more, without spec.targetNamespace; not called when no Namespace can have been renamed
 */
export async function renamedNamespaces(
  run: Run,
  objects: readonly KubeObject[],
  again: () => Promise<readonly KubeObject[]>,
): Promise<KubeObject[]> {
  const isTarget = isNamed(run.object.spec.targetNamespace);
  if (!namespacesOf(objects).some(isTarget)) return [];
  try {
    const originals = namespacesOf(await again());
    return originals.some(isTarget) ? [] : originals;
  } catch (error) {
    run.signal.throwIfAborted();
    // What can only be built with the namespace has no other names.
    if (error instanceof ReconcileError) return [];
    throw error;
  }
}

/** Whether the target namespace is somebody else's: it exists, and the Kustomization did not make it. */
async function isForeign(run: Run, { client }: Target): Promise<boolean> {
  const { ctx, object, signal } = run;
  const name = object.spec.targetNamespace ?? '';
  const id = formatObjectId({ namespace: '', name, group: '', kind: 'Namespace' });
  const entry = ctx.status.status.inventory?.entries.find((each) => each.id === id);
  if (entry !== undefined && !entry.adopted) return false;
  try {
    await client.get(coreResources.namespaces, { name }, { metadataOnly: true, signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    // What may not be looked at is not this tenant's to be named after.
    return !isNotFound(error);
  }
}

/**
 * Returns the objects of a build. A Namespace whose renaming by spec.targetNamespace would make it one that exists and is
 * not the Kustomization's keeps its own name: labels, and one day the deletion, would be meant for another one.
 */
export async function withOwnNamespaces(
  run: Run,
  target: Target,
  { objects, renamed }: Build,
): Promise<KubeObject[]> {
  if (renamed.length === 0 || !(await isForeign(run, target))) return objects;
  const isTarget = isNamed(run.object.spec.targetNamespace);
  const others = objects.filter((object) => !(isNamespace(objectIdOf(object)) && isTarget(object)));
  return [...renamed, ...others];
}
