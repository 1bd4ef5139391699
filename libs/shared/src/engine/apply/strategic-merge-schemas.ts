import type { KubeClient, RestMapper } from '@sluice/shared/kube';
import { type ApiResource, apiVersionString, isNotFound } from '@sluice/shared/kube';
import { type MergeSchema, readMergeSchemas } from './strategic-merge-schema.ts';

/** Milliseconds after which a document is read anew, for the API server may have been upgraded. */
const maxAgeMs = 60 * 60_000;

interface Entry {
  readAt: number;
  schemas: Promise<Map<string, MergeSchema>>;
}

/** The clients of one cluster share their mapper, so what is known of it goes when the last of them does. */
const clusters = new WeakMap<RestMapper, Map<string, Entry>>();

/**
 * Returns how objects of a kind are merged by a strategic merge patch, asking the API server when it is not known yet;
 * undefined for kinds that take none, such as custom resources.
 *
 * @throws ApiError or ConnectionError when the API server does not tell
 */
export async function mergeSchemaOf(
  client: KubeClient,
  resource: ApiResource,
): Promise<MergeSchema | undefined> {
  const known = clusters.get(client.mapper) ?? new Map<string, Entry>();
  clusters.set(client.mapper, known);
  const version = apiVersionString(resource);
  let entry = known.get(version);
  if (entry === undefined || Date.now() - entry.readAt > maxAgeMs) {
    entry = { readAt: Date.now(), schemas: readSchemas(client, resource) };
    known.set(version, entry);
  }
  try {
    return (await entry.schemas).get(resource.kind);
  } catch (error) {
    if (known.get(version) === entry) known.delete(version);
    throw error;
  }
}

async function readSchemas(
  client: KubeClient,
  resource: ApiResource,
): Promise<Map<string, MergeSchema>> {
  const root = resource.group === '' ? 'api' : 'apis';
  try {
    // Callers share the answer, so none of their signals ends the request.
    const path = `/openapi/v3/${root}/${apiVersionString(resource)}`;
    const headers = { 'accept-encoding': 'gzip' };
    return readMergeSchemas(await client.request('GET', path, { headers }));
  } catch (error) {
    // Aggregated API servers need not describe themselves; their objects then count as custom resources.
    if (isNotFound(error)) return new Map();
    throw error;
  }
}
