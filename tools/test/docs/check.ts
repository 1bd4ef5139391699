import type { KubeObject } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import { type ApiResource, gvkOf, type KubeClient, NoKindMatchError } from '@sluice/shared/kube';
import { isOurs } from './examples.ts';

/** Where objects are tried; nothing is stored. */
export interface Place {
  client: KubeClient;
  /** Namespace that stands for whatever an object names. */
  namespace: string;
}

/** The resource of an object; undefined for kinds that only other software brings along. */
async function resourceOf(
  object: KubeObject,
  client: KubeClient,
): Promise<ApiResource | undefined> {
  try {
    return await client.mapper.resourceFor(gvkOf(object));
  } catch (error) {
    if (error instanceof NoKindMatchError && !isOurs(object)) return undefined;
    throw error;
  }
}

async function problemOf(object: KubeObject, place: Place): Promise<string | undefined> {
  const { client, namespace } = place;
  try {
    const resource = await resourceOf(object, client);
    if (resource === undefined) return undefined;
    const { group, version, plural, namespaced } = resource;
    const metadata = { ...object.metadata, ...(namespaced && { namespace }) };
    const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const scope = namespaced ? `${base}/namespaces/${namespace}` : base;
    await client.request('PATCH', `${scope}/${plural}/${metadata.name}`, {
      query: { dryRun: 'All', fieldManager: 'docs', force: 'true', fieldValidation: 'Strict' },
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: { ...object, metadata },
    });
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** What the API server says against objects, with unknown and repeated fields as errors; nothing when all is well. */
export async function problemsOf(
  objects: { object: KubeObject; at: string }[],
  place: Place,
): Promise<string[]> {
  const problems = await Promise.all(
    objects.map(async ({ object, at }) => {
      const problem = await problemOf(object, place);
      return problem === undefined ? [] : [`${at} ${object.kind}: ${problem}`];
    }),
  );
  return problems.flat();
}
