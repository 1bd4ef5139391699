import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, mapConcurrently } from '@sluice/shared/base';
import { displayName } from '@sluice/shared/engine';
import { isNotFound } from '@sluice/shared/kube';
import type { Release } from '../release/release.ts';
import { type ActionContext, ActionError } from './context.ts';
import { helmOwnership, type ReleaseObject } from './objects.ts';

/**
 * Says what keeps an object that exists from being one of a release; undefined when it is one.
 *
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/action/validate.go
 */
export function ownershipProblem(
  { metadata }: KubeObject,
  release: Pick<Release, 'name' | 'namespace'>,
): string | undefined {
  const { managedByLabel, managedBy, nameAnnotation, namespaceAnnotation } = helmOwnership;
  const wanted: [string, Record<string, string> | undefined, string, string][] = [
    ['label', metadata.labels, managedByLabel, managedBy],
    ['annotation', metadata.annotations, nameAnnotation, release.name],
    ['annotation', metadata.annotations, namespaceAnnotation, release.namespace],
  ];
  const problems = wanted
    .filter(([, present, key, value]) => present?.[key] !== value)
    .map(([what, present, key, value]) => {
      const found = present?.[key];
      const is = found === undefined ? 'missing' : `'${found}'`;
      return `${what} ${key} must be '${value}' and is ${is}`;
    });
  return problems.length === 0 ? undefined : problems.join('; ');
}

/** Fetches the metadata of an object as the tenant; undefined when it does not exist, or has no name yet. */
export async function findMetadata(
  ctx: Pick<ActionContext, 'client' | 'signal'>,
  { object, resource }: ReleaseObject,
): Promise<KubeObject | undefined> {
  if (object.metadata.name === '') return undefined;
  try {
    const { client, signal } = ctx;
    return await client.get<KubeObject>(resource, object.metadata, { metadataOnly: true, signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Makes sure that none of the objects belongs to somebody else.
 *
 * @throws ActionError naming each object that exists and is not of the release, and why
 */
export async function requireOwnership(
  ctx: ActionContext,
  release: Pick<Release, 'name' | 'namespace'>,
  objects: readonly ReleaseObject[],
): Promise<void> {
  const problems = await mapConcurrently(objects, ctx.concurrency, async (item) => {
    const name = displayName(item.object);
    try {
      const present = await findMetadata(ctx, item);
      const problem = present && ownershipProblem(present, release);
      if (problem === undefined) return undefined;
      return `${name} exists and cannot be imported into the current release: ${problem}`;
    } catch (error) {
      ctx.signal.throwIfAborted();
      return `could not get information about ${name}: ${errorMessage(error)}`;
    }
  });
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0) throw new ActionError(found.join('\n'));
}
