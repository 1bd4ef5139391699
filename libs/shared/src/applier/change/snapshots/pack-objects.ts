import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { KubeObject } from '@sluice/shared/api';
import { sha256Hex, TimeSlice } from '@sluice/shared/base';
import { maxContent, maxJsonBytes } from './content.ts';

const compress = promisify(gzip);

/** Objects as a Snapshot holds them. */
export interface PackedObjects {
  /** The JSON of what is kept in gzip, in Base64. */
  content: string;
  /** `sha256:<hex>` of the JSON. */
  contentDigest: string;
  objects: number;
  /** How many objects are not in it, as they are Secrets or hold a secret text. */
  leftOut: number;
}

function isSecretObject({ apiVersion, kind }: KubeObject): boolean {
  return apiVersion === 'v1' && kind === 'Secret';
}

/** An object by its name alone. */
function nameOf({ apiVersion, kind, metadata: { namespace, name } }: KubeObject): string {
  return JSON.stringify({ apiVersion, kind, metadata: { ...(namespace && { namespace }), name } });
}

/**
 * Packs objects for a Snapshot; of Secrets and of what holds secret texts only the names.
 *
 * @param o.holdsSecret tells whether a text has a secret in it
 * @returns why not, when they do not fit
 */
export async function packObjects(
  objects: readonly KubeObject[],
  o: { holdsSecret(text: string): boolean; signal: AbortSignal },
): Promise<PackedObjects | { tooLarge: string }> {
  const kept: string[] = [];
  const leftOut: string[] = [];
  let bytes = 0;
  const slice = new TimeSlice(o.signal);
  for (const object of objects) {
    if (slice.isOver) await slice.next();
    const text = JSON.stringify(object);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > maxJsonBytes)
      return { tooLarge: `the objects take more than ${maxJsonBytes} bytes of JSON` };
    if (isSecretObject(object) || o.holdsSecret(text)) leftOut.push(nameOf(object));
    else kept.push(text);
  }
  const json = `{"objects":[${kept.join(',')}],"leftOut":[${leftOut.join(',')}]}`;
  const packed = await compress(json, { level: constants.Z_BEST_COMPRESSION });
  const content = packed.toString('base64');
  if (content.length > maxContent)
    return {
      tooLarge: `the objects take ${content.length} bytes in gzip and Base64, and a Snapshot holds ${maxContent}`,
    };
  const contentDigest = `sha256:${sha256Hex(json)}`;
  return { content, contentDigest, objects: kept.length, leftOut: leftOut.length };
}
