import type { Bucket } from '@sluice/shared/api';
import { createIgnore, ignoreFileName } from '@sluice/shared/artifact';
import { BudgetError, TimeSlice } from '@sluice/shared/base';
import type { ObjectStorage, StoredObject } from '../adapters/storage/object-storage.ts';
import { contentOf } from './fetch-objects.ts';

/** What a bucket may list, with what is left out afterwards. */
const maxListed = 100_000;
const maxKeyBytes = 32 * 1024 * 1024;
const maxIgnoreBytes = 256 * 1024;

/** What indexing needs. */
export interface IndexOptions {
  /** Most bytes that the objects may hold together. */
  maxArtifactBytes: number;
  tempDir: string;
}

/**
 * Lists the objects that belong into the artifact: no folders, and none that `.sourceignore` or `spec.ignore` leave
 * out. Unlike for other sources, nothing else is left out: so it is in Flux.
 *
 * @throws BudgetError when there are too many, or they hold too much; as the storage does
 */
export async function indexObjects(
  storage: ObjectStorage,
  { prefix = '', ignore }: Pick<Bucket['spec'], 'prefix' | 'ignore'>,
  { maxArtifactBytes, tempDir }: IndexOptions,
): Promise<StoredObject[]> {
  const listed = await listAll(storage, prefix);
  const files = listed.filter(({ key }) => !key.endsWith('/') && key !== ignoreFileName);
  // A prefix hides what is at the root.
  const mayHaveIgnore = prefix !== '' || files.length !== listed.length;
  const content = mayHaveIgnore ? await ignoreFile(storage, tempDir) : undefined;
  const kept = await withoutIgnored(files, content, ignore);
  const bytes = kept.reduce((sum, { size }) => sum + size, 0);
  if (bytes > maxArtifactBytes) {
    throw new BudgetError(
      `the objects hold ${bytes} bytes, more than ${maxArtifactBytes}, the limit of --artifact-max-size: leave some out with spec.ignore or spec.prefix`,
    );
  }
  return kept;
}

async function listAll(storage: ObjectStorage, prefix: string): Promise<StoredObject[]> {
  const listed: StoredObject[] = [];
  let keyBytes = 0;
  for await (const page of storage.list(prefix)) {
    for (const object of page) {
      keyBytes += Buffer.byteLength(object.key);
      listed.push(object);
    }
    if (listed.length > maxListed || keyBytes > maxKeyBytes) {
      throw new BudgetError(
        `the bucket has more than ${maxListed} objects, or keys of more than ${maxKeyBytes} bytes together: narrow them with spec.prefix`,
      );
    }
  }
  return listed;
}

async function ignoreFile(storage: ObjectStorage, tempDir: string): Promise<string | undefined> {
  const object = { key: ignoreFileName, etag: '', size: 0 };
  const options = { memoryBytes: maxIgnoreBytes, maxBytes: maxIgnoreBytes, path: tempDir };
  const found = await storage.get(object, options);
  return found && (await contentOf(found)).toString('utf8');
}

async function withoutIgnored(
  objects: StoredObject[],
  sourceIgnore: string | undefined,
  specIgnore: string | undefined,
): Promise<StoredObject[]> {
  if (!sourceIgnore && !specIgnore) return objects;
  const sourceignoreFiles = sourceIgnore ? [{ dir: '', content: sourceIgnore }] : [];
  const isIgnored = createIgnore({ sourceignoreFiles, specIgnore, builtIn: false });
  const slice = new TimeSlice();
  const kept: StoredObject[] = [];
  for (const object of objects) {
    if (slice.isOver) await slice.next();
    if (!isIgnored(object.key, false)) kept.push(object);
  }
  return kept;
}
