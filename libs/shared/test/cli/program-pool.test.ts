import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type CommandError,
  createProgramPool,
  type PoolCall,
  ProgramError,
  type ProgramPool,
  type ProgramPoolOptions,
} from '../../src/cli/index.ts';

const program = join(import.meta.dirname, 'programs', 'obedient.mjs');
const mebibyte = 1024 * 1024;
const call: PoolCall = { timeoutMs: 20_000, share: 'a' };
const onLinux = process.platform === 'linux';

interface Echo {
  value: unknown;
  pid: number;
  env: string[];
}

const pools: ProgramPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function createPool(o: Partial<ProgramPoolOptions> = {}): ProgramPool {
  const pool = createProgramPool({
    name: 'obedient',
    file: process.execPath,
    args: [program],
    size: 1,
    maxRssBytes: 512 * mebibyte,
    maxOutputBytes: mebibyte,
    ...o,
  });
  pools.push(pool);
  return pool;
}

const echo = (pool: ProgramPool, value: unknown, o = call) =>
  pool.call<Echo>({ deed: 'echo', value }, o);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a pool of programs', () => {
  test('sends one request after another to one process, which sees nothing of our environment', async () => {
    const pool = createPool();
    const first = await echo(pool, { text: 'grün €' });
    const second = await echo(pool, [2]);
    expect(first).toEqual({ value: { text: 'grün €' }, pid: expect.any(Number), env: [] });
    expect(second.pid).toBe(first.pid);
    expect(await pool.version()).toBe('v1.2.3');
  });

  test('tells what the program refuses', async () => {
    const error = await createPool()
      .call({ deed: 'refuse' }, call)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProgramError);
    expect(error).toMatchObject({
      kind: 'yaml',
      message: 'a.yaml:3: no map',
      details: { line: 3 },
    });
  });

  test('answers questions, and passes on that it does not', async () => {
    const pool = createPool();
    const asked: unknown[] = [];
    const onQuestion = async (method: string, params: unknown) => {
      asked.push([method, params]);
      if (method === 'forbidden') throw new Error('not yours');
      return { found: true };
    };
    const ask = (method: string) =>
      pool.call({ deed: 'ask', method, params: { name: 'x' } }, { ...call, onQuestion });
    expect(await ask('lookup')).toEqual({ answer: { found: true } });
    expect(await ask('forbidden')).toEqual({ refusal: { message: 'not yours' } });
    expect(asked).toEqual([
      ['lookup', { name: 'x' }],
      ['forbidden', { name: 'x' }],
    ]);
  });

  test.each<{ name: string; deed: object; o?: Partial<PoolCall>; code: CommandError['code'] }>([
    { name: 'time', deed: { deed: 'spin' }, o: { timeoutMs: 300 }, code: 'timed-out' },
    { name: 'output', deed: { deed: 'shout', bytes: 2 * mebibyte }, code: 'output-limit' },
    { name: 'a crash', deed: { deed: 'crash' }, code: 'failed' },
    { name: 'an answer that is none', deed: { deed: 'babble' }, code: 'failed' },
    ...(onLinux ? [{ name: 'memory', deed: { deed: 'grow' }, code: 'memory-limit' as const }] : []),
  ])('replaces a process after $name, and fails that call alone', async ({ deed, o, code }) => {
    const pool = createPool();
    const before = await echo(pool, 1);
    await expect(pool.call(deed, { ...call, ...o })).rejects.toMatchObject({ code });
    const after = await echo(pool, 2);
    expect(after.pid).not.toBe(before.pid);
    await expect.poll(() => isAlive(before.pid)).toBe(false);
  });

  test('kills the process of a call that is aborted', async () => {
    const pool = createPool();
    const { pid } = await echo(pool, 1);
    const abort = new AbortController();
    const spinning = pool.call({ deed: 'spin' }, { ...call, signal: abort.signal });
    await new Promise(setImmediate);
    abort.abort();
    await expect(spinning).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test('does not ask for a call that is aborted while it waits', async () => {
    const pool = createPool();
    const [first, second] = [new AbortController(), new AbortController()];
    const spinning = pool.call({ deed: 'spin' }, { ...call, signal: first.signal });
    const waiting = echo(pool, 'never', { ...call, signal: second.signal });
    await new Promise(setImmediate);
    second.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    first.abort();
    await expect(spinning).rejects.toMatchObject({ code: 'aborted' });
  });

  test('answers others while one share holds all that it may', async () => {
    const pool = createPool();
    const abort = new AbortController();
    const spinning = pool.call({ deed: 'spin' }, { ...call, signal: abort.signal });
    const waiting = echo(pool, 'the same share waits');
    expect(await echo(pool, 'another', { ...call, share: 'b' })).toMatchObject({
      value: 'another',
    });
    abort.abort();
    await expect(spinning).rejects.toMatchObject({ code: 'aborted' });
    expect(await waiting).toMatchObject({ value: 'the same share waits' });
  });

  test('sends short calls that come together to one process, one after another', async () => {
    const pool = createPool({ size: 3, patienceMs: 60_000 });
    const calls = ['a', 'b', 'a', 'c'].map((share) => echo(pool, share, { ...call, share }));
    const answers = await Promise.all(calls);
    expect(answers.map(({ value }) => value)).toEqual(['a', 'b', 'a', 'c']);
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
  });

  test('starts a process for a call that waits while another one ends its process', async () => {
    const pool = createPool({ patienceMs: 60_000 });
    const abort = new AbortController();
    const spinning = pool.call({ deed: 'spin' }, { ...call, signal: abort.signal });
    const waiting = echo(pool, 'waits', { ...call, share: 'b' });
    await new Promise(setImmediate);
    abort.abort();
    await expect(spinning).rejects.toMatchObject({ code: 'aborted' });
    expect(await waiting).toMatchObject({ value: 'waits' });
  });

  test('ends a process that has had no work for a while', async () => {
    const pool = createPool({ idleMs: 10 });
    const { pid } = await echo(pool, 1);
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect((await echo(pool, 2)).pid).not.toBe(pid);
  });

  test('says which program is missing', async () => {
    const pool = createPool({ file: '/nowhere/builder' });
    await expect(echo(pool, 1)).rejects.toMatchObject({ code: 'not-found' });
    await expect(pool.version()).rejects.toThrow("program '/nowhere/builder' was not found");
  });

  test('ends everything when it is closed', async () => {
    const pool = createPool();
    const { pid } = await echo(pool, 1);
    const spinning = pool.call({ deed: 'spin' }, call);
    const waiting = echo(pool, 'waits', { ...call, share: 'b' });
    const failed = Promise.all(
      [spinning, waiting].map((one) => expect(one).rejects.toMatchObject({ code: 'aborted' })),
    );
    await new Promise(setImmediate);
    await pool.close();
    await failed;
    expect(isAlive(pid)).toBe(false);
  });
});
