import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { FakeClock } from '@sluice/shared/base';
import {
  receiveWebhooks,
  standInDispatcher,
  standInHeader,
  temporaryFolder,
} from '@sluice/testing';
import type { ObjectStorage, StoredObject } from '../../../src/adapters/storage/object-storage.ts';

/** A reply to a request, by its method-less address without query. */
export interface StorageReply {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
}

/** A server that stands in for every object storage. */
export async function startStorageServer() {
  const server = await receiveWebhooks();
  const folder = await temporaryFolder('storage');
  const dispatcher = standInDispatcher(server.url);
  return {
    door: { dispatcher, signal: new AbortController().signal, clock: new FakeClock() },
    /** Answers requests one after the other. */
    answer(...replies: StorageReply[]) {
      server.requests.length = 0;
      let next = 0;
      server.respond(() => ({ status: 200, ...(replies[next++] ?? { status: 500 }) }));
    },
    /** What was asked since: address, and headers that say something. */
    asked: () =>
      server.requests.map(({ path, headers }) => {
        const { host: _, connection: __, 'user-agent': ___, ...rest } = headers;
        const { [standInHeader]: origin, ...said } = rest;
        return { url: `${origin}${path}`, headers: said };
      }),
    saveOptions: () => ({
      memoryBytes: 1024,
      maxBytes: 1024,
      path: join(folder.path, randomBytes(4).toString('hex')),
    }),
    async close() {
      await dispatcher.destroy();
      await server.close();
      await folder.remove();
    },
  };
}

export type StorageServer = Awaited<ReturnType<typeof startStorageServer>>;

/** All objects that a storage lists. */
export async function listed(storage: ObjectStorage, prefix = ''): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const page of storage.list(prefix)) objects.push(...page);
  return objects;
}
