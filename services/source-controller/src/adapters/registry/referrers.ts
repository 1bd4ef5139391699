import { HttpError, readBody } from '../http.ts';
import type { RegistryClient } from './client.ts';
import {
  type Descriptor,
  fetchTaggedJson,
  indexTypes,
  ManifestError,
  parseObject,
  toDescriptor,
} from './manifest.ts';
import { nextPage } from './tags.ts';

/** A manifest that refers to another one. */
export interface Referrer extends Descriptor {
  /** What it is; empty when the list does not say so. */
  artifactType: string;
}

const maxListBytes = 4 * 1024 * 1024;
const maxPages = 10;
const [indexType = ''] = indexTypes;

/**
 * Lists the manifests that refer to a digest: by the API for that, or where registries do not have it, by the tag
 * under which clients keep the list.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 * @throws HttpError, RegistryAuthError as {@link RegistryClient.request}; ManifestError when the list is none
 */
export async function listReferrers(client: RegistryClient, digest: string): Promise<Referrer[]> {
  const listed = await listByApi(client, digest);
  if (listed !== undefined) return listed;
  const list = await fetchTaggedJson(client, tagOfDigest(digest), indexTypes.join(', '));
  return list === undefined ? [] : toReferrers(list);
}

/** The tag that stands for a digest, such as `sha256-<digits>`. */
export function tagOfDigest(digest: string): string {
  return digest.replace(':', '-');
}

async function listByApi(client: RegistryClient, digest: string): Promise<Referrer[] | undefined> {
  const found: Referrer[] = [];
  let path: string | undefined = `referrers/${digest}`;
  for (let page = 0; path !== undefined && page < maxPages; page++) {
    const answer = await ask(client, path);
    if (answer === undefined) return undefined;
    found.push(...toReferrers(answer.list));
    path = answer.next;
  }
  return found;
}

async function ask(client: RegistryClient, path: string) {
  try {
    const response = await client.request('GET', path, { accept: indexType });
    // Proxies answer with pages of their own for what they do not know.
    if (!response.headers['content-type']?.startsWith(indexType)) {
      await response.body.dump();
      return undefined;
    }
    const list = parseObject(await readBody(response, maxListBytes), path);
    return { list, next: nextPage(response.headers['link'], response.url) };
  } catch (error) {
    const unknown = error instanceof HttpError && [400, 404, 405, 501].includes(error.status ?? 0);
    if (unknown) return undefined;
    throw error;
  }
}

function toReferrers({ manifests }: Record<string, unknown>): Referrer[] {
  if (!Array.isArray(manifests)) return [];
  return manifests.flatMap((one: unknown) => {
    const { artifactType } = (one ?? {}) as Record<string, unknown>;
    const type = typeof artifactType === 'string' ? artifactType : '';
    try {
      return [{ ...toDescriptor(one), artifactType: type }];
    } catch (error) {
      if (error instanceof ManifestError) return [];
      throw error;
    }
  });
}
