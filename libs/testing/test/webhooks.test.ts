import { receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

let sink: WebhookReceiver;

beforeEach(async () => {
  sink = await receiveWebhooks();
});
afterEach(() => sink.close());

const post = (path: string, body: string) => fetch(`${sink.url}${path}`, { method: 'POST', body });

test('a request is kept with its path, headers and body', async () => {
  await fetch(`${sink.url}/hook?x=1`, { method: 'PUT', body: 'hello', headers: { 'x-a': 'b' } });
  expect(sink.requests).toHaveLength(1);
  expect(sink.requests[0]).toMatchObject({ method: 'PUT', path: '/hook?x=1', body: 'hello' });
  expect(sink.requests[0]?.headers['x-a']).toBe('b');
});

test('waiting finds what came before and what comes after', async () => {
  await post('/', 'first');
  expect((await sink.waitFor((r) => r.body === 'first')).body).toBe('first');
  const later = sink.waitFor((r) => r.body === 'second');
  await post('/', 'second');
  expect((await later).body).toBe('second');
});

test('waiting in vain ends with what was received instead', async () => {
  await post('/', 'other');
  await expect(sink.waitFor((r) => r.body === 'x', { timeoutMs: 50 })).rejects.toThrow(
    /received 1:\nPOST \/ other/,
  );
});

test('the answer is configurable, also by request', async () => {
  expect((await post('/', '')).status).toBe(200);
  sink.respond(503);
  expect((await post('/', '')).status).toBe(503);
  sink.respond(({ body }) => ({
    status: body === 'a' ? 429 : 202,
    headers: { 'retry-after': '7' },
  }));
  expect((await post('/', 'a')).headers.get('retry-after')).toBe('7');
  expect((await post('/', 'b')).status).toBe(202);
});
