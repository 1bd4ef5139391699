import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createKustomize, type Kustomize } from '../../src/cli/index.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-kustomize-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function door(binary: string): Kustomize {
  const kustomize = createKustomize({ binary, concurrency: 1 });
  onTestFinished(() => kustomize.close());
  return kustomize;
}

/** A program that greets as ours do, and then does something else. */
async function program(name: string, body: string): Promise<string> {
  const path = join(dir, name);
  const frame =
    'const frame = (o) => { const b = Buffer.from(JSON.stringify(o)); const h = Buffer.alloc(4); h.writeUInt32BE(b.length); process.stdout.write(Buffer.concat([h, b])) };';
  const greeting = "frame({ ready: { version: 'v0' } });";
  await writeFile(path, `#!${process.execPath}\n${frame}${greeting}${body}`);
  await chmod(path, 0o700);
  return path;
}

const call = { timeoutMs: 20_000, share: 'test' };
const files = { 'kustomization.yaml': 'configMapGenerator: [{name: x, literals: [a=b]}]' };

describe('createKustomize', () => {
  test('builds files in memory into what the kustomize program prints, and tells its version', async () => {
    const kustomize = door(toolPath('kustomize-builder'));
    await writeFile(join(dir, 'kustomization.yaml'), files['kustomization.yaml']);
    const printed = execFileSync(toolPath('kustomize'), ['build', dir], { encoding: 'utf8' });
    expect(await kustomize.buildText({ dir: '.', files }, call)).toBe(printed);
    expect(await kustomize.version()).toMatch(/^v0\./);
  });

  test('reports what is refused without the content of files', async () => {
    const kustomize = door(toolPath('kustomize-builder'));
    const bad = { 'kustomization.yaml': 'resources: [a.yaml]', 'a.yaml': 'a: *s3cr3t-canary' };
    const failure = await kustomize.build({ dir: '.', files: bad }, call).catch((e: unknown) => e);
    expect(failure).toMatchObject({ name: 'KustomizeError', kind: 'build' });
    expect(JSON.stringify([String(failure), failure])).not.toContain('canary');
  });

  test.each([
    {
      name: 'takes too long',
      body: 'setInterval(() => {}, 1000)',
      timeoutMs: 500,
      message: 'took longer than 500 ms: raise spec.timeout',
    },
    {
      name: 'answers too much',
      body: "process.stdin.once('data', () => process.stdout.write(Buffer.from([0x7f, 0, 0, 0])))",
      message: 'yields more than 64 MiB',
    },
    {
      name: 'takes too much memory',
      body: "process.stdin.once('data', () => { globalThis.kept = Buffer.alloc(500 * 1024 * 1024, 1) })",
      message: 'took more than 384 MiB of memory',
    },
    {
      name: 'ends',
      body: "process.stdin.once('data', () => process.exit(1))",
      message: 'ended the builder',
    },
  ])('says which limit it is when a build $name', async ({ name, body, timeoutMs, message }) => {
    const kustomize = door(await program(name.replaceAll(' ', '-'), body));
    const input = { dir: '.', files };
    await expect(
      kustomize.build(input, { ...call, timeoutMs: timeoutMs ?? call.timeoutMs }),
    ).rejects.toMatchObject({ reason: 'BuildFailed', message: expect.stringContaining(message) });
  });
});
