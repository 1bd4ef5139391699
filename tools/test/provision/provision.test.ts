import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pinnedVersion, provision, toolNames } from '../../provision/index.ts';

let dir: string;
let env: Record<string, string>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-provision-'));
  await mkdir(join(dir, 'bin'));
  env = { PATH: join(dir, 'bin'), XDG_CACHE_HOME: join(dir, 'cache') };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A stand-in for Go that notes each call and writes a file where the output belongs. */
async function installGo(body: string): Promise<void> {
  const script = [
    '#!/bin/sh',
    `echo "$@" >> ${join(dir, 'calls')}`,
    'while [ "$1" != -o ]; do shift; done',
    body,
  ];
  await writeFile(join(dir, 'bin', 'go'), `${script.join('\n')}\n`);
  await chmod(join(dir, 'bin', 'go'), 0o755);
}

const calls = async () => (await readFile(join(dir, 'calls'), 'utf8')).trim().split('\n');

test.each(toolNames.map((name) => ({ name })))('$name is pinned to a release', ({ name }) => {
  expect(pinnedVersion(name)).toMatch(/^v\d+\.\d+\.\d+$/);
});

test('without Go and without a binary the message says what to install', async () => {
  await expect(provision(['nats-server'], { env, onProgress: () => {} })).rejects.toThrow(
    /nats-server v2\.15\.\d+ is not on PATH.*install Go .* or put nats-server v2\.15\.x on PATH/,
  );
});

test('a tool is built once, however many ask at the same time', async () => {
  await installGo('echo built > "$2"');
  const lines: string[] = [];
  const options = { env, onProgress: (line: string) => lines.push(line) };
  const all = await Promise.all(Array.from({ length: 3 }, () => provision(['kustomize'], options)));
  const paths = new Set(all.map((tools) => tools.kustomize));
  expect(paths.size).toBe(1);
  expect(await readFile([...paths][0] as string, 'utf8')).toBe('built\n');
  expect(await calls()).toHaveLength(1);
  expect(lines.some((line) => line.includes('building'))).toBe(true);
});

test('a failed build shows what the compiler said, leaves nothing and is tried again', async () => {
  await installGo('echo half > "$2"; echo undefined: x >&2; exit 1');
  const options = { env, onProgress: () => {} };
  await expect(provision(['kustomize'], options)).rejects.toThrow('undefined: x');
  await installGo('echo built > "$2"');
  const { kustomize } = await provision(['kustomize'], options);
  expect(await readFile(kustomize, 'utf8')).toBe('built\n');
});
