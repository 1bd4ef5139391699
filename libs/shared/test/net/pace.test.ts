import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock } from '@sluice/shared/base';
import { ByteRate, paceAnswers, paceBytes } from '@sluice/shared/net';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const body = Buffer.alloc(1_000_000, 'x');
let server: Server;
let agent: Agent;
let url: string;

beforeAll(async () => {
  server = createServer((_, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  agent = new Agent();
});
afterAll(async () => {
  await agent.close();
  server.close();
});

/** A share that has used up its burst, beside another. */
function spent(bytesPerSecond: number) {
  const clock = new FakeClock();
  const rate = new ByteRate({ bytesPerSecond, burst: 1, clock });
  rate.take('other', 1);
  return { clock, pace: { rate, share: 'busy', clock } };
}

/** Lets time pass, one timer after the other, until a promise is settled. */
async function passing<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  while (!isSettled) {
    await clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}

describe('answers over HTTP', () => {
  it('come whole, in so many seconds as the rate needs for them', async () => {
    const { clock, pace } = spent(200_000);
    const started = clock.now();
    const read = async () => {
      const answer = await paceAnswers(agent, pace).request({
        origin: url,
        path: '/',
        method: 'GET',
      });
      return Buffer.from(await answer.body.arrayBuffer());
    };
    expect((await passing(clock, read())).equals(body)).toBe(true);
    expect(clock.now() - started).toBeGreaterThan(4_000);
  });

  it('of a share that owes nothing come at once', async () => {
    const { pace } = spent(1);
    const read = async () => {
      const free = { ...pace, rate: new ByteRate({ bytesPerSecond: 1, burst: 2_000_000 }) };
      const answer = await paceAnswers(agent, free).request({
        origin: url,
        path: '/',
        method: 'GET',
      });
      return (await answer.body.arrayBuffer()).byteLength;
    };
    expect(await read()).toBe(body.length);
  });

  it('that are held up end with the signal', async () => {
    const { pace } = spent(1);
    const stop = new AbortController();
    const answer = await paceAnswers(agent, pace).request({
      origin: url,
      path: '/',
      method: 'GET',
      signal: stop.signal,
    });
    const reading = answer.body.arrayBuffer();
    stop.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });
});

describe('bytes of a stream', () => {
  async function* chunks() {
    for (let at = 0; at < 10; at++) yield Buffer.alloc(1000, at);
  }
  const collect = async (stream: AsyncIterable<Uint8Array>) => {
    const parts: Uint8Array[] = [];
    for await (const part of stream) parts.push(part);
    return Buffer.concat(parts);
  };

  it('come whole, in so many seconds as the rate needs for them', async () => {
    const { clock, pace } = spent(2_000);
    const started = clock.now();
    const { signal } = new AbortController();
    const all = await passing(clock, collect(paceBytes(chunks(), pace, signal)));
    expect(all).toEqual(await collect(chunks()));
    expect(clock.now() - started).toBeGreaterThanOrEqual(4_500);
  });

  it('end with the signal', async () => {
    const { pace } = spent(1);
    const stop = new AbortController();
    const reading = collect(paceBytes(chunks(), pace, stop.signal));
    stop.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });
});
