import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { packArtifact, type TreeEntry } from '@sluice/shared/artifact';
import { sha256Hex } from '@sluice/shared/base';
import { Parser, type ReadEntry } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashFile } from '../../src/artifact/hash-file.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pack-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function file(path: string, content = path, executable = false): TreeEntry {
  return { path, executable, read: async () => Buffer.from(content) };
}

async function entriesOf(path: string): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = [];
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      entries.push(entry);
      entry.resume();
    },
  });
  parser.end(gunzipSync(await readFile(path)));
  return entries;
}

const long = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(120)}.yaml`;
const tree = [file('b.yaml'), file('a/run.sh', 'echo', true), file('a-b'), file('ä/x'), file(long)];

describe('packArtifact', () => {
  it('gives the known bytes for a known tree, whatever the order and on any machine', async () => {
    const one = await packArtifact(tree, join(dir, 'one'));
    const two = await packArtifact([...tree].reverse(), join(dir, 'two'));

    expect(two).toEqual(one);
    expect(one.digest).toBe(`sha256:${sha256Hex(await readFile(join(dir, 'one')))}`);
    expect(sha256Hex(gunzipSync(await readFile(join(dir, 'one'))))).toBe(
      '38638bfa99ad27d9ea1f2aef0bca7935bba5f72a25d60a41a17d83c476633552',
    );
  });

  it('walks in lexical order, with fixed modes and nobody as owner', async () => {
    await packArtifact(tree, join(dir, 'out'));

    const entries = await entriesOf(join(dir, 'out'));
    expect(entries.map((e) => [e.path, e.mode])).toEqual([
      ['a', 0o750],
      ['a/run.sh', 0o700],
      ['a-b', 0o600],
      ['b.yaml', 0o600],
      ['d'.repeat(90), 0o750],
      [`${'d'.repeat(90)}/${'e'.repeat(90)}`, 0o750],
      [long, 0o600],
      ['ä', 0o750],
      ['ä/x', 0o600],
    ]);
    for (const entry of entries) {
      expect([entry.uid, entry.gid, entry.uname, entry.gname]).toEqual([0, 0, '', '']);
      expect(entry.mtime?.getTime()).toBe(0);
    }
  });

  it('gives the same bytes for large content however it is cut', async () => {
    const text = Array.from({ length: 40_000 }, (_, i) => `line ${(i * 7919) % 10_007}\n`).join('');
    const whole = Buffer.from(text.repeat(8));
    const read = async () => whole;
    const one = await packArtifact([{ path: 'big', executable: false, read }], join(dir, 'one'));
    const two = await packArtifact([{ path: 'big', executable: false, read }], join(dir, 'two'));

    expect(whole.length).toBeGreaterThan(2 ** 21);
    expect(two).toEqual(one);
    expect((await stat(join(dir, 'one'))).size).toBe(one.size);
    const tar = gunzipSync(await readFile(join(dir, 'one')));
    expect(tar.subarray(512, 512 + whole.length).equals(whole)).toBe(true);
  });

  it('does not name the system it ran on', async () => {
    await packArtifact(tree, join(dir, 'out'));
    const head = (await readFile(join(dir, 'out'))).subarray(0, 10);
    expect([...head.subarray(4, 8), head[9]]).toEqual([0, 0, 0, 0, 255]);
  });

  it.each(['../x', '/x', 'a/../../x', 'a//b', './a', 'a\\b', 'a\0b', ''])(
    'refuses the path %j and leaves no file',
    async (path) => {
      await expect(packArtifact([file(path)], join(dir, 'out'))).rejects.toThrow(/path/);
      await expect(stat(join(dir, 'out'))).rejects.toThrow('ENOENT');
    },
  );

  it('leaves no file when reading fails', async () => {
    const broken = { ...file('x'), read: () => Promise.reject(new Error('gone')) };
    await expect(packArtifact([broken], join(dir, 'out'))).rejects.toThrow('gone');
    await expect(stat(join(dir, 'out'))).rejects.toThrow('ENOENT');
  });

  it.each([
    { algorithm: 'sha512', wanted: /^sha512:[0-9a-f]{128}$/ },
    { algorithm: 'blake3', wanted: /^blake3:[0-9a-f]{64}$/ },
  ] as const)('uses $algorithm for the digest when told', async ({ algorithm, wanted }) => {
    const out = join(dir, 'out');
    const { digest } = await packArtifact(tree, out, { algorithm });
    expect(digest).toMatch(wanted);
    expect(await hashFile(out, digest)).toBe(digest);
  });
});

describe('the sum of an artifact', () => {
  const megabyte = Buffer.alloc(1_000_000);

  it.each([
    { name: 'known before anything is read', size: megabyte.length, reads: 0 },
    { name: 'found out while packing', size: undefined, reads: 3 },
  ])('is limited when $name', async ({ size, reads }) => {
    let read = 0;
    const entries = Array.from({ length: 3000 }, (_, i) => ({
      path: `file-${i}`,
      executable: false,
      size,
      read: () => {
        read++;
        return megabyte;
      },
    }));
    const target = join(dir, 'a.tar.gz');
    const packing = packArtifact(entries, target, { maxBytes: 2_500_000 });
    await expect(packing).rejects.toThrow(/hold more than 2500000 bytes/);
    expect(read).toBe(reads);
    expect(await readdir(dir)).toEqual([]);
  });
});
