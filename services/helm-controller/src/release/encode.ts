import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { parseJson, StalledError } from '@sluice/shared/base';
import { type HookExecution, type Release, type ReleaseInfo, revisionName } from './release.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Bytes that the values of a Secret may hold together. */
const maxSecretBytes = 1024 * 1024;

/** Kept free for what later changes of status, description and hooks add to a record. */
const reservedBytes = 4096;

/** Bytes beyond which a record is taken for a decompression bomb; no real one comes near. */
const maxDecodedBytes = 64 * 1024 * 1024;

/** Helm's is 9, which takes twice the time for small records and five times for large ones to save a tenth. */
const usualLevel = 4;
const bestLevel = 9;

const gzipMagic = Buffer.from([0x1f, 0x8b, 0x08]);

/** A stored record that is none, or that grows beyond all measure. */
export class ReleaseDecodeError extends Error {
  override name = 'ReleaseDecodeError';
}

/** Writes the fields in the order of Helm, which leaves out what is empty; the labels are not part of the record. */
function recordOf(release: Release): string {
  const { name, info, chart, config, manifest, hooks, version, namespace, apply_method } = release;
  return JSON.stringify({
    name,
    info,
    chart,
    config: config && Object.keys(config).length > 0 ? config : undefined,
    manifest: manifest || undefined,
    hooks: hooks?.length ? hooks : undefined,
    version,
    namespace,
    apply_method,
  });
}

function base64Length(bytes: number): number {
  return 4 * Math.ceil(bytes / 3);
}

/**
 * Encodes a release as the Secret driver of Helm does: JSON, gzip, base64.
 *
 * @throws StalledError `ReleaseTooLarge` when a Secret cannot hold it
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/storage/driver/util.go
 */
export async function encodeRelease(release: Release): Promise<string> {
  return encodeWithin(release, maxSecretBytes);
}

async function encodeWithin(release: Release, limit: number): Promise<string> {
  const json = recordOf(release);
  let packed = await compress(json, { level: usualLevel });
  if (base64Length(packed.length) > limit) packed = await compress(json, { level: bestLevel });
  const size = base64Length(packed.length);
  if (size > limit) throw tooLarge(release, size, limit);
  return packed.toString('base64');
}

function tooLarge(release: Release, size: number, limit: number): StalledError {
  return new StalledError(
    'ReleaseTooLarge',
    `the record of release ${revisionName(release)} takes ${size} bytes, and a Secret can hold ${limit} of it: ` +
      'leave files that are not needed out of the chart (.helmignore), split the chart, or move large values into ConfigMaps of their own',
  );
}

/**
 * Makes sure, before anything is applied, that the record of a release can be stored, and updated later.
 *
 * @throws StalledError `ReleaseTooLarge` with the size, the limit and what to do
 */
export async function assertStorable(release: Release): Promise<void> {
  const limit = maxSecretBytes - reservedBytes;
  const uncompressed = Buffer.byteLength(recordOf(release));
  // Nothing needs compressing to see that a record fits that fits as it is.
  if (base64Length(uncompressed) <= limit) return;
  await encodeWithin(release, limit);
}

/**
 * Decodes what {@link encodeRelease} or Helm wrote; records of old versions of Helm are not compressed.
 *
 * @throws ReleaseDecodeError when the text is no release, or is larger than 64 MiB when unpacked
 */
export async function decodeRelease(text: string): Promise<Release> {
  const packed = Buffer.from(text, 'base64');
  const isGzip = packed.length > 3 && packed.subarray(0, 3).equals(gzipMagic);
  try {
    const json = isGzip ? await decompress(packed, { maxOutputLength: maxDecodedBytes }) : packed;
    return asRelease(parseJson(json.toString()));
  } catch (error) {
    if (error instanceof ReleaseDecodeError) throw error;
    throw new ReleaseDecodeError(reasonOf(error), { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ERR_BUFFER_TOO_LARGE') return `it unpacks to more than ${maxDecodedBytes} bytes`;
  // The messages of JSON.parse quote the text, which holds the values of the release.
  return code === undefined ? 'it is no JSON' : `it cannot be unpacked (${code})`;
}

function asRelease(value: unknown): Release {
  const release = value as Release | null;
  if (typeof release !== 'object' || release === null)
    throw new ReleaseDecodeError('it is no object');
  const { name, version, info, chart } = release;
  if (typeof name !== 'string' || typeof version !== 'number' || !info || !chart?.metadata) {
    throw new ReleaseDecodeError('it lacks name, version, info or chart.metadata');
  }
  return {
    ...release,
    namespace: release.namespace ?? '',
    manifest: release.manifest ?? '',
    info: withoutZeroTimes(info, ['first_deployed', 'last_deployed', 'deleted']),
    hooks: release.hooks?.map((hook) => ({
      ...hook,
      events: hook.events ?? [],
      last_run: withoutZeroTimes(hook.last_run ?? { phase: '' }, ['started_at', 'completed_at']),
    })),
  };
}

/** Helm leaves zero times out, and Helm 3 wrote some as the empty string. */
function withoutZeroTimes<T extends ReleaseInfo | HookExecution>(value: T, fields: (keyof T)[]): T {
  const copy = { ...value };
  for (const field of fields) {
    const time = copy[field];
    if (time === '' || time === null || String(time).startsWith('0001-01-01T00:00:00'))
      delete copy[field];
  }
  return copy;
}
