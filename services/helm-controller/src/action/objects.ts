import {
  helmReleaseNameLabel,
  helmReleaseNamespaceLabel,
  type KubeObject,
} from '@sluice/shared/api';
import {
  failureLines,
  formatObjectId,
  missingKinds,
  type ObjectError,
  type ObjectId,
  objectError,
  objectIdOf,
  resourceOfAnyVersion,
} from '@sluice/shared/engine';
import { type ApiResource, gvkOf, type KubeClient, NoKindMatchError } from '@sluice/shared/kube';
import { objectsOf } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import { type ActionContext, ActionError } from './context.ts';

/** An object of a release, in its namespace, and the resource that serves it. */
export interface ReleaseObject {
  object: KubeObject;
  resource: ApiResource;
}

/** Label and annotations by which Helm knows its objects. */
export const helmOwnership = {
  managedByLabel: 'app.kubernetes.io/managed-by',
  managedBy: 'Helm',
  nameAnnotation: 'meta.helm.sh/release-name',
  namespaceAnnotation: 'meta.helm.sh/release-namespace',
} as const;

/** Returns the object in the namespace it belongs to: its own, else that of the release, none for cluster-wide kinds. */
export function scoped(
  object: KubeObject,
  resource: ApiResource,
  releaseNamespace: string,
): KubeObject {
  const { namespace, ...metadata } = object.metadata;
  if (!resource.namespaced) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, namespace: namespace || releaseNamespace } };
}

/**
 * Returns the objects of a manifest in its order.
 *
 * @throws RetryableError ManifestInvalid for a manifest that cannot be read, ActionError that names the objects of a
 * kind that the cluster does not serve
 */
export async function resolveObjects(
  client: KubeClient,
  release: Pick<Release, 'manifest' | 'namespace'>,
): Promise<ReleaseObject[]> {
  const resolved: ReleaseObject[] = [];
  const unknown: { id: ObjectId; error: ObjectError }[] = [];
  for (const object of objectsOf(release.manifest)) {
    try {
      const resource = await client.mapper.resourceFor(gvkOf(object));
      resolved.push({ object: scoped(object, resource, release.namespace), resource });
    } catch (error) {
      if (!(error instanceof NoKindMatchError)) throw error;
      unknown.push({ id: objectIdOf(object), error: objectError(object, 'apply', error) });
    }
  }
  if (unknown.length === 0) return resolved;
  const problems = failureLines(unknown).join('\n');
  throw new ActionError(
    `unable to build kubernetes objects from release manifest: ${problems}\nDefinitions in the crds folder of a chart are installed first`,
    undefined,
    missingKinds(unknown),
  );
}

/**
 * Returns the objects of a manifest that was applied before, each at a version that is served now; objects of kinds
 * that are gone are left out, for they are gone with them.
 */
export async function resolveFormerObjects(
  ctx: Pick<ActionContext, 'client' | 'signal'>,
  release: Pick<Release, 'manifest' | 'namespace'>,
): Promise<ReleaseObject[]> {
  const resolved: ReleaseObject[] = [];
  for (const object of objectsOf(release.manifest)) {
    const resource = await resourceOfAnyVersion(gvkOf(object), ctx);
    if (resource === undefined) continue;
    resolved.push({ object: scoped(object, resource, release.namespace), resource });
  }
  return resolved;
}

/** Returns a name of the object that is the same in all API versions. */
export function idOf({ object }: Pick<ReleaseObject, 'object'>): string {
  return formatObjectId(objectIdOf(object));
}

/** Returns the objects of `former` that `present` lacks, each once, whatever their API versions. */
export function withoutObjects(
  former: readonly ReleaseObject[],
  present: readonly Pick<ReleaseObject, 'object'>[],
): ReleaseObject[] {
  const seen = new Set(present.map(idOf));
  return former.filter((item) => {
    const id = idOf(item);
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** Returns the object with the labels of the HelmRelease, by which its state is watched. */
export function withOwner<T extends KubeObject>(
  object: T,
  { name, namespace }: ActionContext['owner'],
): T {
  const labels = {
    ...object.metadata.labels,
    [helmReleaseNameLabel]: name,
    [helmReleaseNamespaceLabel]: namespace,
  };
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** Returns the object as it is applied: with the labels of the HelmRelease and what Helm knows its objects by. */
export function withOwnership<T extends KubeObject>(
  object: T,
  release: Pick<Release, 'name' | 'namespace'>,
  owner: ActionContext['owner'],
): T {
  const owned = withOwner(object, owner);
  const { managedByLabel, managedBy, nameAnnotation, namespaceAnnotation } = helmOwnership;
  const metadata = {
    ...owned.metadata,
    labels: { ...owned.metadata.labels, [managedByLabel]: managedBy },
    annotations: {
      ...owned.metadata.annotations,
      [nameAnnotation]: release.name,
      [namespaceAnnotation]: release.namespace,
    },
  };
  return { ...owned, metadata };
}
