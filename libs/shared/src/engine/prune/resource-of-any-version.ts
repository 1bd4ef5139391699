import {
  type ApiResource,
  type GroupVersionKind,
  isNotFound,
  type KubeClient,
  NoKindMatchError,
} from '@sluice/shared/kube';
import { fieldAt, mapsAt, stringAt } from '../object/object-fields.ts';

interface RequestOptions {
  client: KubeClient;
  signal?: AbortSignal | undefined;
}

/**
 * Finds the resource of a kind that was applied before, at another version when the recorded one is no longer served;
 * undefined when the group or the kind is gone, and with it all objects.
 */
export async function resourceOfAnyVersion(
  target: GroupVersionKind,
  o: RequestOptions,
): Promise<ApiResource | undefined> {
  const { group, version, kind } = target;
  try {
    return await o.client.mapper.resourceFor({ group, version, kind });
  } catch (error) {
    if (!(error instanceof NoKindMatchError)) throw error;
  }
  // Discovery leaves out what it could not reach, so absence has to be confirmed by the group itself.
  for (const served of await servedVersions(group, o)) {
    const found = await resourceIn({ group, version: served, kind }, o);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function servedVersions(group: string, o: RequestOptions): Promise<string[]> {
  if (group === '') return ['v1'];
  try {
    const answer = await o.client.request('GET', `/apis/${group}`, { signal: o.signal });
    return mapsAt(answer, 'versions').map((version) => stringAt(version, ['version']));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

async function resourceIn(
  gvk: GroupVersionKind,
  o: RequestOptions,
): Promise<ApiResource | undefined> {
  const path = gvk.group === '' ? `/api/${gvk.version}` : `/apis/${gvk.group}/${gvk.version}`;
  const answer = await o.client.request('GET', path, { signal: o.signal });
  const found = mapsAt(answer, 'resources').find(
    (resource) => resource['kind'] === gvk.kind && !stringAt(resource, ['name']).includes('/'),
  );
  if (found === undefined) return undefined;
  return {
    ...gvk,
    plural: stringAt(found, ['name']),
    namespaced: fieldAt(found, 'namespaced') === true,
  };
}
