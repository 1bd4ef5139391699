import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, silentLogger } from '@sluice/shared/base';
import { createHttpEventSink, type OutboxSink } from '@sluice/shared/bus';
import { receiveWebhooks, temporaryFolder, type WebhookReceiver } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventOf } from './helpers.ts';

let folder: { path: string; remove(): Promise<void> };
let receiver: WebhookReceiver;
let sink: OutboxSink;

beforeEach(async () => {
  folder = await temporaryFolder('sink');
  receiver = await receiveWebhooks();
  sink = createHttpEventSink({
    dir: folder.path,
    eventsAddr: `${receiver.url}/`,
    logger: silentLogger,
    minRetryDelayMs: 1,
    maxRetryDelayMs: 10,
  });
});

afterEach(async () => {
  await sink.close();
  await receiver.close();
  await folder.remove();
});

const messages = () => receiver.requests.map(({ body }) => JSON.parse(body).message as string);

describe('events over HTTP', () => {
  test('are posted as JSON', async () => {
    receiver.respond(202);
    await sink.publish(eventOf('hello'));
    await sink.flush();
    const [request] = receiver.requests;
    expect(request?.method).toBe('POST');
    expect(request?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(request?.body ?? '')).toEqual(eventOf('hello'));
  });

  test.each([
    { status: 400, dead: 2 },
    { status: 413, dead: 2 },
    { status: 429, dead: 0 },
  ])(
    'are not sent again after $status, of which $dead of 2 are dead letters',
    async ({ status, dead }) => {
      receiver.respond(status);
      await sink.publish(eventOf('first'));
      await sink.publish(eventOf('second'));
      await sink.flush();
      expect(messages()).toEqual(['first', 'second']);
      const kept = await readdir(join(folder.path, 'dead')).catch(() => []);
      expect(kept).toHaveLength(dead);
    },
  );

  test('are sent again after an answer that is about the way, such as 401', async () => {
    receiver.respond(() => ({ status: receiver.requests.length < 3 ? 401 : 202 }));
    await sink.publish(eventOf('patient'));
    await sink.flush();
    expect(messages()).toEqual(['patient', 'patient', 'patient']);
  });

  test('are sent again, in order, after a server error', async () => {
    receiver.respond(() => ({ status: receiver.requests.length < 3 ? 503 : 202 }));
    await sink.publish(eventOf('first'));
    await sink.publish(eventOf('second'));
    await sink.flush();
    while (sink.depth() > 0) await sink.flush();
    expect(messages()).toEqual(['first', 'first', 'first', 'second']);
  });

  test('wait on disk while nobody listens', async () => {
    await receiver.close();
    await sink.publish(eventOf('patient'));
    await sink.close();
    receiver = await receiveWebhooks();
    sink = createHttpEventSink({
      dir: folder.path,
      eventsAddr: receiver.url,
      logger: silentLogger,
    });
    await sink.flush();
    expect(messages()).toEqual(['patient']);
  });

  test('are cut at 39000 characters', async () => {
    await sink.publish(eventOf('x'.repeat(50_000)));
    await sink.flush();
    expect(messages()[0]).toHaveLength(39_000);
  });

  test('need an HTTP address', () => {
    const options = { dir: folder.path, logger: silentLogger };
    expect(() => createHttpEventSink({ ...options, eventsAddr: 'nats://x' })).toThrow(
      /--events-addr/,
    );
  });
});

describe('the token of a sender', () => {
  let file: string;
  let lines: string[];

  /** A sink that shows the token of a file. */
  async function withToken(token?: string): Promise<void> {
    await sink.close();
    file = join(folder.path, 'token');
    if (token !== undefined) await writeFile(file, token);
    lines = [];
    const destination = { write: (line: string) => void lines.push(line) };
    sink = createHttpEventSink({
      dir: join(folder.path, 'with-token'),
      eventsAddr: receiver.url,
      tokenFile: file,
      logger: createLogger({ level: 'trace', name: 'test', destination }),
      minRetryDelayMs: 1,
      maxRetryDelayMs: 10,
    });
  }

  const authorizations = () => receiver.requests.map(({ headers }) => headers['authorization']);

  test('is read anew for each event', async () => {
    await withToken('first\n');
    await sink.publish(eventOf('a'));
    await sink.flush();
    await writeFile(file, 'second');
    await sink.publish(eventOf('b'));
    await sink.flush();
    expect(authorizations()).toEqual(['Bearer first', 'Bearer second']);
  });

  test.each([
    { name: 'missing', token: undefined },
    { name: 'empty', token: ' \n' },
    { name: 'no header can hold', token: 'secret\r\nx: y' },
    { name: 'is not ASCII', token: 'secrét' },
  ])(
    'that is $name keeps events waiting until it is repaired, and shows nowhere',
    async ({ token }) => {
      await withToken(token);
      await sink.publish(eventOf('patient'));
      await expect.poll(() => lines.length).toBeGreaterThan(1);
      expect(receiver.requests).toEqual([]);
      expect(lines.join('')).not.toMatch(/secr/);
      await writeFile(file, 'good');
      await sink.flush();
      expect(authorizations()).toEqual(['Bearer good']);
      expect(messages()).toEqual(['patient']);
    },
  );

  test('does not go where a redirect leads', async () => {
    const other = await receiveWebhooks();
    await withToken('good');
    receiver.respond(() =>
      receiver.requests.length < 3
        ? { status: 307, headers: { location: other.url } }
        : { status: 202 },
    );
    await sink.publish(eventOf('a'));
    await sink.flush();
    expect(receiver.requests).toHaveLength(3);
    expect(other.requests).toEqual([]);
    await other.close();
  });
});
