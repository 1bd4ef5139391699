import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FakeClock, silentLogger } from '@sluice/shared/base';
import {
  BusUnavailableError,
  createOutbox,
  currentTrace,
  inTrace,
  type Outbox,
  type OutboxOptions,
  UnpublishableError,
} from '@sluice/shared/bus';
import { temporaryFolder } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Collected } from './helpers.ts';

interface Item {
  text: string;
  important?: boolean;
}

let folder: { path: string; remove(): Promise<void> };
let opened: Outbox<Item>[];

beforeEach(async () => {
  folder = await temporaryFolder('outbox');
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((outbox) => outbox.close()));
  await folder.remove();
});

function open(options: Partial<OutboxOptions<Item>>): Outbox<Item> {
  const outbox = createOutbox<Item>({
    dir: folder.path,
    maxBytes: 1_000_000,
    isInformational: (item) => !item.important,
    deliver: async () => undefined,
    logger: silentLogger,
    ...options,
  });
  opened.push(outbox);
  return outbox;
}

const away = () => Promise.reject(new Error('away'));

describe('order', () => {
  test('entries are handed over in the order of their puts, concurrent ones included', async () => {
    const got: string[] = [];
    const outbox = open({ deliver: async (item) => void got.push(item.text) });
    const texts = Array.from({ length: 50 }, (_, i) => `m${i}`);
    await Promise.all(texts.map((text) => outbox.put({ text })));
    await outbox.flush();
    expect(got).toEqual(texts);
    expect(outbox.depth()).toBe(0);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('an entry that fails is handed over again, under the same id, before the next', async () => {
    const got: string[] = [];
    const ids = new Set<string>();
    const outbox = open({
      minRetryDelayMs: 1,
      maxRetryDelayMs: 2,
      deliver: async (item, id) => {
        got.push(item.text);
        if (item.text === 'a') ids.add(id);
        if (got.length < 3) throw new Error('away');
      },
    });
    await outbox.put({ text: 'a' });
    await outbox.put({ text: 'b' });
    await outbox.flush();
    expect(got).toEqual(['a', 'a', 'a', 'b']);
    expect(ids.size).toBe(1);
  });

  test('new entries do not shorten the delay after a failure', async () => {
    const attempts = new Collected<string>();
    const clock = new FakeClock();
    const outbox = open({
      clock,
      deliver: (item) => {
        attempts.add(item.text);
        return away();
      },
    });
    await outbox.put({ text: 'a' });
    await attempts.until((values) => values.length === 1);
    for (let i = 0; i < 10; i++) await outbox.put({ text: `b${i}` });
    await clock.advance(0);
    expect(attempts.values).toEqual(['a']);
    outbox.retryNow();
    expect(await attempts.until((values) => values.length === 2)).toEqual(['a', 'a']);
  });
});

describe('with patience', () => {
  const patient = { patienceMs: 100, minRetryDelayMs: 1, maxRetryDelayMs: 2 };

  test('an entry that is taken at once is handed over before its put ends, and never on disk', async () => {
    const got: string[] = [];
    const onDisk: string[] = [];
    const outbox = open({
      ...patient,
      deliver: async ({ text }) => {
        onDisk.push(...(await readdir(folder.path)));
        got.push(text);
      },
    });
    await outbox.put({ text: 'a' });
    expect(got).toEqual(['a']);
    await outbox.put({ text: 'b' });
    expect(got).toEqual(['a', 'b']);
    expect(onDisk).toEqual([]);
    expect(outbox.depth()).toBe(0);
  });

  test('one that is refused is on disk when its put ends, and is handed over again under its id', async () => {
    const ids: string[] = [];
    let isAway = true;
    const outbox = open({
      ...patient,
      minRetryDelayMs: 60_000,
      maxRetryDelayMs: 60_000,
      deliver: async (_item, id) => {
        ids.push(id);
        if (isAway) throw new Error('away');
      },
    });
    await outbox.put({ text: 'a' });
    expect(await readdir(folder.path)).toHaveLength(1);
    isAway = false;
    await outbox.flush();
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('one that is not answered in time is on disk then, and its late answer does no harm', async () => {
    const clock = new FakeClock();
    const attempts = new Collected<() => void>();
    const outbox = open({
      ...patient,
      clock,
      deliver: () => new Promise((resolve) => attempts.add(resolve)),
    });
    const put = outbox.put({ text: 'a' });
    await attempts.until((values) => values.length === 1);
    expect(await readdir(folder.path)).toEqual([]);
    await clock.advance(patient.patienceMs);
    await put;
    expect(await readdir(folder.path)).toHaveLength(1);
    const [late, again] = await attempts.until((values) => values.length === 2);
    late?.();
    again?.();
    await outbox.flush();
    expect(attempts.values).toHaveLength(2);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('while something waits, nothing goes before it', async () => {
    const attempts: string[] = [];
    let isAway = true;
    const outbox = open({
      ...patient,
      minRetryDelayMs: 60_000,
      maxRetryDelayMs: 60_000,
      deliver: async ({ text }) => {
        attempts.push(text);
        if (isAway) throw new Error('away');
      },
    });
    await outbox.put({ text: 'a' });
    await outbox.put({ text: 'b' });
    await outbox.put({ text: 'c' });
    expect(new Set(attempts)).toEqual(new Set(['a']));
    isAway = false;
    attempts.length = 0;
    await outbox.flush();
    expect(attempts).toEqual(['a', 'b', 'c']);
  });

  test('closing keeps on disk what nobody has answered', async () => {
    const clock = new FakeClock();
    const attempts = new Collected<string>();
    const before = open({
      ...patient,
      clock,
      deliver: ({ text }, _id, signal) => {
        attempts.add(text);
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      },
    });
    const put = before.put({ text: 'a' });
    await attempts.until((values) => values.length === 1);
    await before.close();
    await put;

    const got: string[] = [];
    const after = open({ deliver: async ({ text }) => void got.push(text) });
    await after.flush();
    expect(got).toEqual(['a']);
  });
});

describe('a later process', () => {
  test('hands over what the earlier one left, first', async () => {
    const before = open({ deliver: away });
    await before.put({ text: 'a' });
    await before.put({ text: 'b' });
    await before.close();

    const got: string[] = [];
    const after = open({ deliver: async (item) => void got.push(item.text) });
    await after.put({ text: 'c' });
    await after.flush();
    expect(got).toEqual(['a', 'b', 'c']);
  });

  test('continues the traces in which entries were put', async () => {
    const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    const before = open({ deliver: away });
    await inTrace(trace, () => before.put({ text: 'a' }));
    await before.close();

    const got: unknown[] = [];
    const after = open({ deliver: async () => void got.push(currentTrace()) });
    await after.flush();
    expect(got).toEqual([trace]);
  });

  test('removes half-written files and sets unreadable ones aside', async () => {
    await mkdir(folder.path, { recursive: true });
    const name = (sequence: number) =>
      `${String(sequence).padStart(14, '0')}-i-00000000-0000-4000-8000-00000000000${sequence}.json`;
    await writeFile(join(folder.path, `${name(1)}.tmp`), '{"id":');
    await writeFile(join(folder.path, name(2)), 'garbage');
    const got: string[] = [];
    const outbox = open({ deliver: async (item) => void got.push(item.text) });
    await outbox.put({ text: 'a' });
    await outbox.flush();
    expect(got).toEqual(['a']);
    expect(await readdir(join(folder.path, 'dead'))).toEqual([name(2)]);
  });
});

describe('an entry that can never be handed over', () => {
  const dead = async (dir = folder.path) =>
    Promise.all(
      (await readdir(join(dir, 'dead'))).map(async (name) => {
        const text = await readFile(join(dir, 'dead', name), 'utf8');
        return (JSON.parse(text) as { value: Item }).value.text;
      }),
    );

  test('goes to the dead letters, is counted, and keeps no other waiting or out of order', async () => {
    const got: string[] = [];
    let counted = 0;
    const outbox = open({
      minRetryDelayMs: 1,
      maxRetryDelayMs: 2,
      metrics: { onDeadLetter: () => counted++ },
      deliver: async ({ text }) => {
        if (text.startsWith('poison')) throw new UnpublishableError('never');
        got.push(text);
      },
    });
    for (const text of ['poison 1', 'a', 'poison 2', 'b', 'poison 3']) await outbox.put({ text });
    await outbox.flush();
    expect(got).toEqual(['a', 'b']);
    expect(await dead()).toEqual(['poison 1', 'poison 2', 'poison 3']);
    expect(counted).toBe(3);
    expect(outbox.depth()).toBe(0);
  });

  test('is found by its failures when it alone fails, but not while the server is away', async () => {
    const got: string[] = [];
    const attempts = { strange: 0, away: 0 };
    const outbox = open({
      minRetryDelayMs: 1,
      maxRetryDelayMs: 2,
      maxAttempts: 3,
      deliver: async ({ text }) => {
        if (text === 'strange') {
          attempts.strange++;
          throw new TypeError('a bug');
        }
        if (text === 'away' && ++attempts.away < 10) throw new BusUnavailableError('away');
        got.push(text);
      },
    });
    for (const text of ['strange', 'away', 'last']) await outbox.put({ text });
    await outbox.flush();
    expect(attempts).toEqual({ strange: 3, away: 10 });
    expect(got).toEqual(['away', 'last']);
    expect(await dead()).toEqual(['strange']);
  });

  test('does not hold up the rest when its file is gone', async () => {
    const held = Promise.withResolvers<void>();
    const got: string[] = [];
    const outbox = open({
      deliver: async ({ text }) => {
        await held.promise;
        got.push(text);
      },
    });
    for (const text of ['a', 'b', 'c']) await outbox.put({ text });
    const [, second] = (await readdir(folder.path)).sort();
    await rm(join(folder.path, second as string));
    held.resolve();
    await outbox.flush();
    expect(got).toEqual(['a', 'c']);
  });

  test('makes room for later ones, over restarts, within an eighth of the space', async () => {
    const refuse = { deliver: () => Promise.reject(new UnpublishableError('never')) };
    const text = (label: string) => label + 'x'.repeat(400);
    for (const label of ['1', '2', '3', '4']) {
      const outbox = open({ ...refuse, maxBytes: 8 * 1_300 });
      await outbox.put({ text: text(label) });
      await outbox.flush();
      await outbox.close();
    }
    expect((await dead()).map((kept) => kept[0])).toEqual(['3', '4']);
  });
});

describe('limits', () => {
  test('the oldest informational entries go first, and drops are counted', async () => {
    const text = (label: string) => label + 'x'.repeat(400);
    const before = open({ deliver: away, maxBytes: 2_100 });
    await before.put({ text: text('error-1'), important: true });
    await before.put({ text: text('info-1') });
    await before.put({ text: text('info-2') });
    await before.put({ text: text('error-2'), important: true });
    await before.put({ text: text('error-3'), important: true });
    await before.put({ text: text('error-4'), important: true });
    expect(before.dropped()).toBe(2);
    await before.close();

    const got: string[] = [];
    const after = open({ deliver: async (item) => void got.push(item.text.slice(0, 7)) });
    await after.flush();
    expect(got).toEqual(['error-1', 'error-2', 'error-3', 'error-4']);
  });

  test('without informational entries the oldest go', async () => {
    const text = (label: string) => label + 'x'.repeat(400);
    const before = open({ deliver: away, maxBytes: 1_500 });
    for (const label of ['e1', 'e2', 'e3', 'e4']) {
      await before.put({ text: text(label), important: true });
    }
    await before.close();
    expect(before.dropped()).toBeGreaterThan(0);

    const got: string[] = [];
    const after = open({ deliver: async (item) => void got.push(item.text.slice(0, 2)) });
    await after.flush();
    expect(got.at(-1)).toBe('e4');
    expect(got).toHaveLength(4 - before.dropped());
  });

  test('an entry that cannot be written is refused with the reason', async () => {
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    const outbox = open({ dir: join(file, 'below') });
    await expect(outbox.put({ text: 'a' })).rejects.toThrow(/ENOTDIR/);
  });

  test('a closed outbox takes nothing', async () => {
    const outbox = open({});
    await outbox.close();
    await expect(outbox.put({ text: 'a' })).rejects.toThrow('closed');
  });
});
