import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '@sluice/shared/base';
import type { SavedBody } from '../adapters/save-body.ts';
import type { ObjectStorage } from '../adapters/storage/object-storage.ts';
import type { PlacedObject } from './place-objects.ts';

/** A downloaded object; it may have changed since it was listed. */
export interface FetchedFile extends PlacedObject {
  /** The bytes, or the path of the file that holds them. */
  content: Buffer | string;
  size: number;
}

/** Downloads of one Bucket at a time: as many as connections to one server. */
const concurrency = 16;
/** Of all objects together: what is more goes to the disk. */
const inMemoryBytes = 4 * 1024 * 1024;

/**
 * Downloads objects, several at a time. Files get names of their own: keys never become names on this machine. What
 * is gone meanwhile is left out; what has changed comes with its new etag.
 *
 * @param o.dir a directory that exists
 * @param o.maxBytes of all objects together; each may be larger than it was listed by its part of what is left
 * @throws as the storage does
 */
export async function fetchObjects(
  storage: ObjectStorage,
  placed: readonly PlacedObject[],
  o: { dir: string; maxBytes: number },
): Promise<FetchedFile[]> {
  const listed = placed.reduce((sum, { object }) => sum + object.size, 0);
  const memoryBytes = listed <= inMemoryBytes ? inMemoryBytes : 0;
  let left = o.maxBytes - listed;
  const fetched = await mapConcurrently(placed, concurrency, async ({ object, path }, index) => {
    const found = await storage.get(object, {
      memoryBytes: Math.min(memoryBytes, object.size),
      path: join(o.dir, String(index)),
      maxBytes: object.size + Math.floor(left / concurrency),
    });
    if (found === undefined) return undefined;
    const { content, size, etag } = found;
    left -= Math.max(0, size - object.size);
    return { object: { ...object, etag, size }, path, content, size };
  });
  return fetched.filter((file) => file !== undefined);
}

/** The bytes of what was downloaded. */
export async function contentOf({ content }: Pick<SavedBody, 'content'>): Promise<Buffer> {
  return typeof content === 'string' ? readFile(content) : content;
}
