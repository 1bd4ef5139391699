import { safePathParts, UnsafePathError } from '@sluice/shared/artifact';
import { RetryableError } from '@sluice/shared/base';
import type { StoredObject } from '../adapters/storage/object-storage.ts';
import { bucketFailedReason } from './bucket-errors.ts';

/** An object, and where it goes in the artifact. */
export interface PlacedObject {
  object: StoredObject;
  path: string;
}

/** What file systems take, in bytes. */
const maxNameBytes = 255;
const maxPathBytes = 1024;
const maxShownLength = 200;
const controlCharacter = /\p{Cc}/u;

/**
 * Gives each object its path: the key, without slashes at its beginning and without repeated ones. Keys that differ
 * only in case are two files.
 *
 * @throws RetryableError `BucketOperationFailed` that names the key which can be no path, or whose path is taken
 */
export function placeObjects(objects: readonly StoredObject[]): PlacedObject[] {
  const placed = objects.map((object) => ({ object, path: pathOf(object.key) }));
  const files = new Map<string, string>();
  for (const { object, path } of placed) {
    const other = files.get(path);
    if (other !== undefined) {
      throw refused(object.key, `has the same path as the key ${shown(other)}`);
    }
    files.set(path, object.key);
  }
  for (const { path } of placed) {
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      const key = files.get(path.slice(0, at));
      if (key !== undefined) throw refused(key, `is a file, and a folder of other keys`);
    }
  }
  return placed;
}

function pathOf(key: string): string {
  const path = key.replace(/\/{2,}/g, '/').replace(/^\//, '');
  if (controlCharacter.test(path)) throw refused(key, 'has a control character');
  let parts: string[];
  try {
    parts = safePathParts(path);
  } catch (error) {
    if (!(error instanceof UnsafePathError)) throw error;
    throw refused(key, "has a part '.' or '..', a backslash, or nothing but slashes");
  }
  const isLong = parts.some((part) => Buffer.byteLength(part) > maxNameBytes);
  if (isLong || Buffer.byteLength(path) > maxPathBytes) {
    throw refused(
      key,
      `is longer than a path may be: ${maxNameBytes} bytes a part, ${maxPathBytes} together`,
    );
  }
  return path;
}

function refused(key: string, why: string): RetryableError {
  return new RetryableError(
    bucketFailedReason,
    `the key ${shown(key)} ${why}: rename it, or leave it out with spec.ignore`,
  );
}

/** In quotes, with what cannot be shown escaped. */
function shown(key: string): string {
  return JSON.stringify(key.length > maxShownLength ? `${key.slice(0, maxShownLength)}...` : key);
}
