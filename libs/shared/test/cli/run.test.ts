import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandError, runCommand } from '../../src/cli/index.ts';

const limits = { timeoutMs: 20_000, maxOutputBytes: 100_000 };
const node = process.execPath;
const script = (code: string) => ({ file: node, args: ['-e', code], ...limits });

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-run-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('runCommand', () => {
  test('returns output and exit code', async () => {
    const result = await runCommand(
      script("process.stdout.write('out\\n'); process.stderr.write('err'); process.exitCode = 3"),
    );
    expect(result).toEqual({ stdout: 'out\n', stderr: 'err', exitCode: 3, timedOut: false });
  });

  test('passes input, and arguments as they are', async () => {
    const echo = 'process.stdin.pipe(process.stdout); process.stderr.write(process.argv[1])';
    const hostile = '$(touch x); `id` "';
    const result = await runCommand({
      file: node,
      args: ['-e', echo, '--', hostile],
      input: 'hello',
      ...limits,
    });
    expect(result).toMatchObject({ stdout: 'hello', stderr: hostile });
  });

  test('shows the command nothing of our environment', async () => {
    process.env['CANARY'] = 'canary';
    const result = await runCommand({
      ...script('process.stdout.write(JSON.stringify(process.env))'),
      env: { ONLY: 'this' },
    });
    delete process.env['CANARY'];
    expect(JSON.parse(result.stdout)).toEqual({ ONLY: 'this' });
  });

  test('on timeout ends the whole process group', async () => {
    const code = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'ignore'});
      process.stdout.write(String(child.pid) + '\\n');
      setInterval(() => {}, 1000);`;
    const result = await runCommand({ ...script(code), timeoutMs: 1500 });
    expect(result.timedOut).toBe(true);
    const grandchild = Number(result.stdout);
    expect(grandchild).toBeGreaterThan(0);
    await expect.poll(() => isAlive(grandchild), { timeout: 10_000 }).toBe(false);
  });

  test('kills a command that ignores the request to stop', async () => {
    const code =
      "process.on('SIGTERM', () => {}); process.stdout.write('up'); setInterval(() => {}, 1000)";
    const result = await runCommand({ ...script(code), timeoutMs: 1500 });
    expect(result).toMatchObject({ stdout: 'up', timedOut: true, exitCode: -1 });
  });

  test('stops on abort, and does not start when aborted before', async () => {
    const stop = new AbortController();
    const running = runCommand({ ...script('setInterval(() => {}, 1000)'), signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toMatchObject({ name: 'CommandError', code: 'aborted' });
    await expect(runCommand({ ...script(''), signal: stop.signal })).rejects.toThrow(CommandError);
  });

  test('stops a command that writes too much', async () => {
    const flood =
      "const s = 'x'.repeat(10000); const go = () => { while (process.stdout.write(s)); }; process.stdout.on('drain', go); go()";
    await expect(runCommand(script(flood))).rejects.toMatchObject({ code: 'output-limit' });
  });

  test('stops a command that takes too much memory, which itself may ignore the request', async () => {
    const grow = `process.on('SIGTERM', () => {}); const all = [];
      setInterval(() => all.push(Buffer.alloc(2 ** 23, 1)), 1)`;
    const maxRssBytes = 200 * 2 ** 20;
    await expect(runCommand({ ...script(grow), maxRssBytes })).rejects.toMatchObject({
      code: 'memory-limit',
      message: expect.stringContaining(`${maxRssBytes} bytes of memory`),
    });
    const small = await runCommand({ ...script('setTimeout(() => {}, 100)'), maxRssBytes });
    expect(small.exitCode).toBe(0);
  });

  test('names a program that does not exist', async () => {
    const missing = { file: join(dir, 'nope'), args: [], ...limits };
    await expect(runCommand(missing)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('nope'),
    });
  });
});
