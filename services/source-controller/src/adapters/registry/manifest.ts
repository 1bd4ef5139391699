import {
  createHasher,
  errorMessage,
  formatDigest,
  parseDigest,
  sha256Hex,
} from '@sluice/shared/base';
import { HttpError, readBody } from '../http.ts';
import type { RegistryClient } from './client.ts';

/** A reference to content by its digest. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** A layer, with what the manifest says of it. */
export interface Layer extends Descriptor {
  annotations: Record<string, string>;
}

export interface Manifest {
  layers: Layer[];
  annotations: Record<string, string>;
}

/** An answer that does not follow the OCI specifications, or not the digest it was asked for. */
export class ManifestError extends Error {
  override name = 'ManifestError';
}

const imageTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
/** Media types of lists of manifests. */
export const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const accept = [...imageTypes, ...indexTypes].join(', ');
const maxManifestBytes = 4 * 1024 * 1024;
const platform = { os: 'linux', architecture: 'amd64' };

/**
 * Returns the digest that a tag points to now, with one request in most cases.
 *
 * @throws HttpError, RegistryAuthError as {@link RegistryClient.request}
 */
export async function resolveTag(client: RegistryClient, tag: string): Promise<string> {
  const digest = await headDigest(client, tag);
  if (digest !== undefined) return digest;
  const response = await client.request('GET', `manifests/${tag}`, { accept });
  return `sha256:${sha256Hex(await readBody(response, maxManifestBytes))}`;
}

async function headDigest(client: RegistryClient, tag: string): Promise<string | undefined> {
  try {
    const response = await client.request('HEAD', `manifests/${tag}`, { accept });
    await response.body.dump();
    const digest = response.headers['docker-content-digest'];
    return digest === undefined ? undefined : formatDigest(parseDigest(digest));
  } catch (error) {
    // Some registries do not implement HEAD; a missing tag shows with GET all the same.
    const unsupported = error instanceof HttpError && [400, 405, 501].includes(error.status ?? 0);
    if (unsupported || error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Fetches the manifest of an image or artifact; of an index, the one for linux/amd64, or the only one.
 *
 * @throws ManifestError when the content does not have the digest, or is no manifest
 */
export async function fetchManifest(client: RegistryClient, digest: string): Promise<Manifest> {
  const manifest = await fetchJson(client, digest);
  if (!Array.isArray(manifest['manifests'])) return toManifest(manifest);
  const child = chooseManifest(manifest['manifests']);
  return toManifest(await fetchJson(client, child.digest));
}

/**
 * Fetches the manifest of a tag, whatever its digest is.
 *
 * @returns undefined when there is no such tag
 * @throws ManifestError when the content is no manifest
 */
export async function fetchTagged(
  client: RegistryClient,
  tag: string,
): Promise<Manifest | undefined> {
  const manifest = await fetchTaggedJson(client, tag, accept);
  return manifest && toManifest(manifest);
}

/**
 * Fetches the JSON object that a tag, or another path of the repository's API, names now.
 *
 * @returns undefined when the registry has nothing there
 * @throws ManifestError when it is no JSON object
 */
export async function fetchTaggedJson(
  client: RegistryClient,
  tag: string,
  types: string,
): Promise<Record<string, unknown> | undefined> {
  try {
    const response = await client.request('GET', `manifests/${tag}`, { accept: types });
    return parseObject(await readBody(response, maxManifestBytes), tag);
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * Describes a manifest, as whoever signs it does.
 *
 * @throws ManifestError when the content does not have the digest, or is no manifest
 */
export async function describeManifest(
  client: RegistryClient,
  digest: string,
): Promise<Descriptor> {
  const { body, parsed, type } = await fetchVerified(client, digest);
  const { mediaType = type } = parsed;
  return { mediaType: typeof mediaType === 'string' ? mediaType : '', digest, size: body.length };
}

async function fetchJson(client: RegistryClient, digest: string): Promise<Record<string, unknown>> {
  return (await fetchVerified(client, digest)).parsed;
}

async function fetchVerified(client: RegistryClient, digest: string) {
  const hash = await createHasher(parseDigest(digest).algorithm);
  const response = await client.request('GET', `manifests/${digest}`, { accept });
  const body = await readBody(response, maxManifestBytes);
  hash.update(body);
  if (hash.digest() !== digest) {
    throw new ManifestError(`the registry sent other content than that of ${digest}`);
  }
  return { body, parsed: parseObject(body, digest), type: response.headers['content-type'] };
}

/**
 * Parses an answer of the registry.
 *
 * @param what it was asked for, for the message
 * @throws ManifestError when it is no JSON object
 */
export function parseObject(body: Buffer, what: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new ManifestError(`the manifest ${what} is not a JSON object`);
}

function chooseManifest(entries: unknown[]): Descriptor {
  const manifests = entries.map((entry) => ({
    descriptor: toDescriptor(entry),
    platform: (entry as { platform?: { os?: string; architecture?: string } }).platform,
  }));
  const fitting = manifests.find(
    (m) => m.platform?.os === platform.os && m.platform.architecture === platform.architecture,
  );
  const chosen = fitting ?? (manifests.length === 1 ? manifests[0] : undefined);
  if (chosen === undefined) {
    throw new ManifestError(
      `the index has no manifest for ${platform.os}/${platform.architecture}`,
    );
  }
  return chosen.descriptor;
}

function toManifest(manifest: Record<string, unknown>): Manifest {
  const { layers, annotations } = manifest;
  if (!Array.isArray(layers)) throw new ManifestError('the manifest has no list of layers');
  return { layers: layers.map(toLayer), annotations: toAnnotations(annotations) };
}

function toLayer(value: unknown): Layer {
  const { annotations } = (value ?? {}) as Record<string, unknown>;
  return { ...toDescriptor(value), annotations: toAnnotations(annotations) };
}

function toAnnotations(value: unknown): Record<string, string> {
  const facts = Object.entries((value ?? {}) as Record<string, unknown>);
  return Object.fromEntries(
    facts.filter((fact): fact is [string, string] => typeof fact[1] === 'string'),
  );
}

/**
 * Reads a descriptor.
 *
 * @throws ManifestError when it lacks its digest or size, or the digest is none
 */
export function toDescriptor(value: unknown): Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
  if (typeof digest !== 'string' || typeof size !== 'number' || size < 0) {
    throw new ManifestError('a descriptor lacks its digest or size');
  }
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    digest: checked(digest),
    size,
  };
}

function checked(digest: string): string {
  try {
    return formatDigest(parseDigest(digest));
  } catch (cause) {
    throw new ManifestError(`a descriptor has a ${errorMessage(cause)}`, { cause });
  }
}
