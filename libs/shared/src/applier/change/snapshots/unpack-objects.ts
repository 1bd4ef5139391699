import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { KubeObject } from '@sluice/shared/api';
import { isPlainMap, parseJson, sha256Hex } from '@sluice/shared/base';
import { maxContent, maxJsonBytes, type SnapshotContent } from './content.ts';

const decompress = promisify(gunzip);

/** Why the content of a Snapshot cannot be used. */
export class SnapshotContentError extends Error {
  override name = 'SnapshotContentError';
}

function isObject(value: unknown): value is KubeObject {
  if (!isPlainMap(value)) return false;
  const { apiVersion, kind, metadata } = value;
  return (
    typeof apiVersion === 'string' &&
    typeof kind === 'string' &&
    isPlainMap(metadata) &&
    typeof metadata['name'] === 'string'
  );
}

function isContent(value: unknown): value is SnapshotContent {
  if (!isPlainMap(value)) return false;
  const lists = [value['objects'], value['leftOut']];
  return lists.every((list) => Array.isArray(list) && list.every(isObject));
}

async function inflate(content: string): Promise<Buffer> {
  try {
    return await decompress(Buffer.from(content, 'base64'), { maxOutputLength: maxJsonBytes });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ERR_BUFFER_TOO_LARGE' ? `is more than ${maxJsonBytes} bytes` : 'is no gzip';
    throw new SnapshotContentError(`its content ${why}`, { cause: error });
  }
}

/**
 * Unpacks the content of a Snapshot, with all digits of integers. Nothing of it is read unless it is what was kept.
 *
 * @param contentDigest `sha256:<hex>` of what was kept
 * @throws SnapshotContentError
 */
export async function unpackObjects(
  content: string,
  contentDigest: string,
): Promise<SnapshotContent> {
  if (content.length > maxContent)
    throw new SnapshotContentError(`its content has more than ${maxContent} characters`);
  const json = await inflate(content);
  if (`sha256:${sha256Hex(json)}` !== contentDigest)
    throw new SnapshotContentError('its content is not what was kept: somebody has altered it');
  const value: unknown = parseJson(json.toString());
  if (!isContent(value)) throw new SnapshotContentError('its content holds no lists of objects');
  return value;
}
