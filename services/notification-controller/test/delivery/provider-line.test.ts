import { beforeEach, describe, expect, test } from 'vitest';
import type { AttemptResult } from '../../src/delivery/delivery.ts';
import { ProviderLine } from '../../src/delivery/provider-line.ts';

const hourMs = 3_600_000;
const retry = {
  minDelayMs: hourMs,
  maxDelayMs: 2 * hourMs,
  giveUpAfterMs: hourMs,
  minAttempts: 5,
};
const failed: AttemptResult = { type: 'failed', error: 'status 500', permanent: false };

let nowMs: number;
let line: ProviderLine;
let attempts: number;

beforeEach(() => {
  nowMs = 0;
  attempts = 0;
  line = new ProviderLine(retry, () => nowMs);
});

const signal = new AbortController().signal;
const run = (result: AttemptResult, ageMs = 0) =>
  line.run(
    async () => {
      attempts++;
      return result;
    },
    { signal, ageMs },
  );

/** Whether an attempt has to wait. */
async function waits(): Promise<boolean> {
  const stop = new AbortController();
  const before = attempts;
  const running = line.run(
    async () => {
      attempts++;
      return { type: 'duplicate' };
    },
    { signal: stop.signal, ageMs: 0 },
  );
  // An attempt that is free begins before this.
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await running;
  return attempts === before;
}

async function fail(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await run(failed);
}

describe('the line of a Provider', () => {
  test('goes on after a few failures, and waits after five in a row', async () => {
    await fail(4);
    expect(await waits()).toBe(false);
    await fail(1);
    expect(await waits()).toBe(true);
    nowMs = 30_000;
    expect(await waits()).toBe(false);
  });

  test('does not count failures before a success, nor what the service refuses for good', async () => {
    await fail(4);
    await run({ type: 'delivered' });
    await fail(4);
    await run({ type: 'failed', error: 'status 400', permanent: true });
    await fail(4);
    expect(await waits()).toBe(false);
  });

  test('waits as a whole when the service asked for it once', async () => {
    await run({ ...failed, retryAfterMs: 60_000 });
    expect(await waits()).toBe(true);
    nowMs = 59_999;
    expect(await waits()).toBe(true);
    nowMs = 60_000;
    expect(await waits()).toBe(false);
  });

  test('gives up what is old without an attempt while everything fails for that long', async () => {
    await fail(5);
    nowMs = hourMs;
    await run(failed);
    expect(attempts).toBe(6);
    expect(await run(failed, hourMs)).toMatchObject({
      permanent: true,
      error: expect.stringContaining('status 500'),
    });
    expect(attempts).toBe(6);
    nowMs += 30_000;
    expect(await run({ type: 'delivered' }, hourMs)).toEqual({ type: 'delivered' });
    expect(await run({ type: 'delivered' }, hourMs)).toEqual({ type: 'delivered' });
  });

  test('gives up nothing that is there since its last failure, as what is replayed', async () => {
    line = new ProviderLine({ ...retry, giveUpAfterMs: 0 }, () => nowMs);
    nowMs = 10;
    await fail(5);
    nowMs = 20;
    expect(await run({ type: 'delivered' }, 15)).toMatchObject({ permanent: true });
    const stop = new AbortController();
    const later = line.run(async () => failed, { signal: stop.signal, ageMs: 5 });
    stop.abort();
    expect(await later).toMatchObject({ error: 'stopped before the attempt', permanent: false });
    expect(attempts).toBe(5);
  });

  test('attempts four at a time', async () => {
    const release = Promise.withResolvers<AttemptResult>();
    const running = Array.from({ length: 6 }, () =>
      line.run(
        () => {
          attempts++;
          return release.promise;
        },
        { signal, ageMs: 0 },
      ),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(attempts).toBe(4);
    release.resolve({ type: 'delivered' });
    await Promise.all(running);
    expect(attempts).toBe(6);
    expect(line.isIdle).toBe(true);
  });
});
