import { readdirSync, readFileSync } from 'node:fs';
import { CommandError, createSpawner, type Spawner } from '@sluice/shared/cli';
import { afterEach, describe, expect, test, vi } from 'vitest';

const limits = { timeoutMs: 10_000, maxOutputBytes: 1024 };
const node = process.execPath;
let spawner: Spawner | undefined;

function open(): Spawner {
  spawner = createSpawner();
  return spawner;
}

/** Process ids of the commands whose arguments hold the mark. */
function pidsOf(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && argumentsOf(pid).includes(mark));
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended since the directory was listed.
    return '';
  }
}

afterEach(async () => {
  await spawner?.close();
  spawner = undefined;
});

describe('a spawner', () => {
  test('returns what a command wrote, its exit code, and gives it only the named environment', async () => {
    const script =
      'console.log(JSON.stringify(process.env)); console.error("oops"); process.exit(3)';
    const result = await open().run({
      file: node,
      args: ['-e', script],
      env: { ONLY: 'this' },
      ...limits,
    });
    expect(result).toEqual({
      stdout: '{"ONLY":"this"}\n',
      stderr: 'oops\n',
      exitCode: 3,
      timedOut: false,
    });
  });

  test('runs commands side by side', async () => {
    const { run } = open();
    const results = await Promise.all(
      ['a', 'b', 'c'].map((text) =>
        run({ file: node, args: ['-e', `console.log('${text}')`], ...limits }),
      ),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(['a\n', 'b\n', 'c\n']);
  });

  test.each([
    { name: 'a missing program', args: { file: '/no/such/program', args: [] }, code: 'not-found' },
    {
      name: 'too much output',
      args: { file: node, args: ['-e', 'console.log("x".repeat(9999))'] },
      code: 'output-limit',
    },
  ])('refuses $name like runCommand', async ({ args, code }) => {
    await expect(open().run({ ...args, ...limits })).rejects.toMatchObject({
      code,
      name: 'CommandError',
    });
  });

  test('ends a command when its signal aborts', async () => {
    const abort = new AbortController();
    const running = open().run({
      file: node,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      ...limits,
      signal: abort.signal,
    });
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
  });

  test('closing it ends the commands that still run', async () => {
    const mark = `mark-of-${process.pid}`;
    const running = open().run({
      file: node,
      args: ['-e', 'console.log(1); setInterval(() => {}, 1000)', mark],
      ...limits,
    });
    const failed = expect(running).rejects.toBeInstanceOf(CommandError);
    await vi.waitFor(() => expect(pidsOf(mark)).toHaveLength(1), { timeout: 10_000 });
    await spawner?.close();
    await failed;
    expect(pidsOf(mark)).toEqual([]);
  });

  test('starts anew after its process was killed, whose commands fail', async () => {
    const { run } = open();
    const parent = await run({ file: node, args: ['-e', 'console.log(process.ppid)'], ...limits });
    const running = run({ file: node, args: ['-e', 'setTimeout(() => {}, 3000)'], ...limits });
    const failed = expect(running).rejects.toMatchObject({ code: 'failed' });
    process.kill(Number(parent.stdout), 'SIGKILL');
    await failed;
    const again = await run({ file: node, args: ['-e', 'console.log("back")'], ...limits });
    expect(again.stdout).toBe('back\n');
  });
});
