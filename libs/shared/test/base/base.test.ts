import { Writable } from 'node:stream';
import {
  backoff,
  createLogger,
  digestOfParts,
  FakeClock,
  jitter,
  LruBytes,
  mapConcurrently,
  parseDigest,
  redactUrl,
  SecretMasker,
  Semaphore,
  SingleFlight,
} from '@sluice/shared/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('FakeClock', () => {
  test('fires timers in the order of their time and not before it', async () => {
    const clock = new FakeClock();
    const fired: string[] = [];
    clock.setTimer(() => fired.push('late'), 20);
    clock.setTimer(() => fired.push('early'), 10);
    clock.setTimer(() => fired.push('cancelled'), 15).cancel();
    await clock.advance(19);
    expect(fired).toEqual(['early']);
    await clock.advance(1);
    expect(fired).toEqual(['early', 'late']);
  });

  test('an aborted sleep rejects and leaves no timer', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const sleeping = clock.sleep(1000, abort.signal);
    abort.abort(new Error('stop'));
    await expect(sleeping).rejects.toThrow('stop');
    expect(clock.pending).toBe(0);
  });
});

test('jitter stays within its percentage', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
      const value = jitter(1000, 5, () => random);
      expect(value).toBeGreaterThanOrEqual(950);
      expect(value).toBeLessThanOrEqual(1050);
    }),
  );
});

test('backoff doubles from the minimum and never passes the maximum', () => {
  const delay = (attempt: number) =>
    backoff({ attempt, minMs: 750, maxMs: 900_000, random: () => 1 });
  expect([0, 1, 2].map(delay)).toEqual([750, 1500, 3000]);
  expect(delay(1000)).toBe(900_000);
});

describe('parseDigest', () => {
  test('accepts a SHA-256 digest', () => {
    const hex = 'a'.repeat(64);
    expect(parseDigest(`sha256:${hex}`)).toEqual({ algorithm: 'sha256', hex });
  });

  test.each([
    '',
    'sha256:',
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(64)}:x`,
  ])("refuses '%s'", (text) => {
    expect(() => parseDigest(text)).toThrow(RangeError);
  });
});

test('digestOfParts tells lists apart whose texts join to the same', () => {
  expect(digestOfParts(['ab', 'c'])).not.toBe(digestOfParts(['a', 'bc']));
});

test('SecretMasker masks a value and its base64 form, the longer of two overlapping ones first', () => {
  const masker = new SecretMasker();
  masker.add('hunter2');
  masker.add('hunter2-longer');
  expect(masker.mask('a hunter2-longer b aHVudGVyMg== c')).toBe('a ***** b ***** c');
});

test('redactUrl drops everything that may carry a secret', () => {
  expect(redactUrl('https://user:pass@example.com/path?token=x#y')).toBe(
    'https://example.com/path',
  );
});

describe('keyed helpers', () => {
  test('SingleFlight shares a running call and starts a new one after it', async () => {
    const flights = new SingleFlight<number>();
    let calls = 0;
    const call = async () => ++calls;
    expect(await Promise.all([flights.run('a', call), flights.run('a', call)])).toEqual([1, 1]);
    expect(await flights.run('a', call)).toBe(2);
  });

  test('LruBytes evicts the least recently used and reports it', () => {
    const evicted: string[] = [];
    const cache = new LruBytes<string>(10, (value) => evicted.push(value));
    cache.set('a', 'A', 5);
    cache.set('b', 'B', 5);
    cache.get('a');
    cache.set('c', 'C', 5);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
    expect(evicted).toEqual(['B']);
    expect(cache.bytes).toBe(10);
  });

  test('Semaphore never runs more than its limit', async () => {
    const semaphore = new Semaphore(2);
    let running = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 10 }, () =>
        semaphore.run(async () => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
        }),
      ),
    );
    expect(most).toBe(2);
  });

  test('mapConcurrently keeps order and stops starting calls after a failure', async () => {
    expect(await mapConcurrently([3, 1, 2], 2, async (n) => n * 2)).toEqual([6, 2, 4]);
    const started: number[] = [];
    const failing = mapConcurrently([1, 2, 3, 4], 1, async (n) => {
      started.push(n);
      if (n === 2) throw new Error('two');
    });
    await expect(failing).rejects.toThrow('two');
    expect(started).toEqual([1, 2]);
  });
});

test('the logger writes what flux logs parses: every field it reads is a string', () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, callback) {
      lines.push(String(chunk));
      callback();
    },
  });
  const logger = createLogger({ level: 'info', name: 'test', destination });
  logger
    .child({ controllerKind: 'Kustomization' })
    .error({ error: new Error('boom') }, 'Reconciler error');
  const line = JSON.parse(lines[0] ?? '');
  expect(line).toMatchObject({
    level: 'error',
    msg: 'Reconciler error',
    error: 'boom',
    logger: 'test',
    controllerKind: 'Kustomization',
  });
  expect(new Date(line.ts).toISOString()).toBe(line.ts);
});
