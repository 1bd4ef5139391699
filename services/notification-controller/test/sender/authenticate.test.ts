import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { createLogger } from '@sluice/shared/base';
import {
  type JudgeToken,
  ReviewUnavailableError,
  type RunningServer,
  startHttpServer,
  TooManyTokensError,
} from '@sluice/shared/runtime';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { httpMetrics } from '../../src/http/metrics.ts';
import { respondWith } from '../../src/http/respond.ts';
import { senderGate } from '../../src/sender-gate.ts';

let server: RunningServer;
let log: string[];
/** Bodies that came through the gate. */
let handled: string[];

const judge: JudgeToken = async (token) => {
  const name = token.split('.')[1];
  if (name === 'away') throw new ReviewUnavailableError('the API server is away');
  if (name === 'busy') throw new TooManyTokensError('too many');
  if (name === 'bug') throw new TypeError('a bug');
  if (name === 'sender') return { kind: 'accepted', user: 'a' };
  if (name === 'stranger') return { kind: 'forbidden', user: 'system:serviceaccount:team:b' };
  return { kind: 'unauthenticated', problem: 'unknown' };
};

beforeEach(async () => {
  log = [];
  handled = [];
  const destination = { write: (line: string) => void log.push(line) };
  const logger = createLogger({ level: 'debug', name: 'test', destination });
  const metrics = httpMetrics(new Registry(), 'gotk_event', { handler: '/', exportPaths: false });
  const listener = respondWith(
    async (_, body) => {
      handled.push(body.toString());
      return { status: 202 };
    },
    { metrics, logger, gate: senderGate({ judge, logger }) },
  );
  server = (await startHttpServer('127.0.0.1:0', listener)) as RunningServer;
});

afterEach(() => server.close());

/** Sends headers and waits for the answer; only then, and if told, the body. */
async function send(authorization: string | undefined, body?: string) {
  const headers = { ...(authorization && { authorization }), 'content-length': 1_000_000 };
  const outgoing = request(`http://${server.address}/`, {
    method: 'POST',
    headers: body === undefined ? headers : { ...headers, 'content-length': body.length },
  });
  if (body === undefined) outgoing.flushHeaders();
  else outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  const answer = { status: response.statusCode, text: await text(response) };
  outgoing.destroy();
  return { ...answer, challenge: response.headers['www-authenticate'] };
}

describe('the gate before events', () => {
  test.each([
    { name: 'no token', header: undefined, status: 401, challenge: 'Bearer' },
    { name: 'no token of an account', header: 'Bearer garbage', status: 401, challenge: 'Bearer' },
    { name: 'another scheme', header: 'Basic YTpi', status: 401, challenge: 'Bearer' },
    {
      name: 'the token of nobody',
      header: 'Bearer h.garbage.s',
      status: 401,
      challenge: 'Bearer error="invalid_token"',
    },
    { name: 'the token of a stranger', header: 'Bearer h.stranger.s', status: 403 },
    { name: 'a token that cannot be reviewed', header: 'Bearer h.away.s', status: 503 },
    { name: 'one token of too many', header: 'Bearer h.busy.s', status: 503 },
    { name: 'a token that meets a bug', header: 'Bearer h.bug.s', status: 500 },
  ])('answers $status to $name, before there is a body', async ({ header, status, challenge }) => {
    expect(await send(header)).toMatchObject({ status, challenge });
    expect(handled).toEqual([]);
  });

  test('lets the body of a sender through', async () => {
    expect((await send('Bearer h.sender.s', 'an event')).status).toBe(202);
    expect(handled).toEqual(['an event']);
  });

  test('logs a kind of refusal once in a while, and never a token', async () => {
    for (const token of ['secret-1', 'secret-2', 'stranger', 'away', 'busy'])
      await send(`Bearer h.${token}.s`);
    const lines = log.map((line) => JSON.parse(line));
    expect(lines.map(({ refusal }) => refusal)).toEqual([
      'unauthenticated',
      'forbidden',
      'unavailable',
      'busy',
    ]);
    expect(lines[1]).toMatchObject({ user: 'system:serviceaccount:team:b', level: 'warn' });
    expect(log.join('')).not.toContain('secret');
  });
});
