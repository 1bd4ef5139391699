import type { ServerResponse } from 'node:http';
import {
  coreResources,
  createKubeClient,
  type KubeClient,
  type WatchOptions,
} from '@sluice/shared/kube';
import { afterEach, describe, expect, test } from 'vitest';
import { splitLines } from '../../src/kube/watch.ts';
import { startFakeApiServer } from './fake-api-server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function watching(play: (response: ServerResponse) => void) {
  const server = await startFakeApiServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    play(response);
  });
  const client = createKubeClient(server.config);
  closing.push(server.close, () => client.close());
  return { client, requests: server.requests };
}

async function collect(client: KubeClient, o: Partial<WatchOptions> = {}) {
  const seen: string[] = [];
  const events = client.watch(coreResources.pods, { resourceVersion: '5', ...o });
  let error: unknown;
  try {
    for await (const { type, object } of events) {
      seen.push(`${type} ${object.kind} ${object.metadata.name}`);
    }
  } catch (thrown) {
    error = thrown;
  }
  return { seen, error };
}

const line = (type: string, name: string) =>
  `${JSON.stringify({ type, object: { kind: 'PartialObjectMetadata', metadata: { name } } })}\n`;

describe('watch', () => {
  test('events arrive in order, with the kind of the resource, however they are cut', async () => {
    const { client, requests } = await watching((response) => {
      const text = line('ADDED', 'a') + line('BOOKMARK', 'ü');
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
      response.end();
    });
    const { seen, error } = await collect(client, { bookmarks: true, serverTimeoutMs: 1500 });
    expect(error).toBeUndefined();
    expect(seen).toEqual(['ADDED Pod a', 'BOOKMARK Pod ü']);
    expect(Object.fromEntries(requests[0]?.query ?? [])).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '5',
      timeoutSeconds: '2',
    });
  });

  test('an ERROR event is thrown as ApiError', async () => {
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
    const { client } = await watching((response) =>
      response.end(`${line('ADDED', 'a')}${JSON.stringify({ type: 'ERROR', object: status })}\n`),
    );
    const { seen, error } = await collect(client);
    expect(seen).toEqual(['ADDED Pod a']);
    expect(error).toMatchObject({ name: 'ApiError', status: 410, verb: 'WATCH' });
  });

  test('a line that was cut off is dropped', async () => {
    const { client } = await watching((response) =>
      response.end(`${line('ADDED', 'a')}{"type":"ADD`),
    );
    expect(await collect(client)).toEqual({ seen: ['ADDED Pod a'], error: undefined });
  });

  test('a connection without a byte within the idle time fails as IDLE', async () => {
    const { client } = await watching((response) => response.write(line('ADDED', 'a')));
    const { seen, error } = await collect(client, { idleTimeoutMs: 100 });
    expect(seen).toEqual(['ADDED Pod a']);
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'IDLE' });
  });

  test('a lost connection fails as ConnectionError', async () => {
    const { client } = await watching((response) =>
      response.write(line('ADDED', 'a'), () => response.socket?.destroy()),
    );
    expect((await collect(client)).error).toMatchObject({ name: 'ConnectionError' });
  });

  test('an aborted watch throws the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped');
    const { client } = await watching(() => controller.abort(reason));
    expect((await collect(client, { signal: controller.signal })).error).toBe(reason);
  });

  test('closing the client ends a watch as CLOSED', async () => {
    const { client } = await watching((response) => response.write(line('ADDED', 'a')));
    const events = client
      .watch(coreResources.pods, { resourceVersion: '5' })
      [Symbol.asyncIterator]();
    await events.next();
    const next = events.next();
    await client.close();
    await expect(next).rejects.toMatchObject({ name: 'ConnectionError', code: 'CLOSED' });
  });

  test('leaving a watch releases its connection', async () => {
    const released = Promise.withResolvers<void>();
    const { client } = await watching((response) => {
      response.on('close', () => released.resolve());
      response.write(line('ADDED', 'a'));
    });
    for await (const _ of client.watch(coreResources.pods, { resourceVersion: '5' })) break;
    await released.promise;
  });
});

test('lines are split wherever the chunks end', async () => {
  const chunks = async function* () {
    yield* ['a', 'b\nc\n', '\n', 'd', 'e', '\nf'];
  };
  const lines: string[] = [];
  for await (const found of splitLines(chunks())) lines.push(found);
  expect(lines).toEqual(['ab', 'c', '', 'de']);
});
