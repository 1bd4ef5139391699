import { createCipheriv } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { ArchiveError, packArtifact, readArchive, unpackArchive } from '@sluice/shared/artifact';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawEntry, rawArchive, rawTar } from './tar-builder.ts';

let base: string;
let dir: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'unpack-'));
  dir = join(base, 'target');
  await mkdir(dir);
});
afterEach(() => rm(base, { recursive: true, force: true }));

function incompressible(length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(
    Buffer.alloc(length),
  );
}

const good: RawEntry = { path: 'good.yaml', content: 'good' };
const evil: { name: string; entries: RawEntry[] }[] = [
  { name: 'parent', entries: [{ path: '../evil', content: 'x' }] },
  { name: 'parent below a directory', entries: [{ path: 'a/../../evil', content: 'x' }] },
  { name: 'inner parent', entries: [{ path: 'a/../evil', content: 'x' }] },
  { name: 'absolute', entries: [{ path: '/tmp/evil-abs', content: 'x' }] },
  { name: 'absolute directory', entries: [{ path: '/tmp/evil-abs', type: 'Directory' }] },
  { name: 'dot then absolute parent', entries: [{ path: './../evil', content: 'x' }] },
  { name: 'backslash', entries: [{ path: '..\\evil', content: 'x' }] },
  { name: 'hard link', entries: [{ path: 'evil', type: 'Link', linkpath: '/etc/passwd' }] },
  { name: 'symbolic link', entries: [{ path: 'l', type: 'SymbolicLink', linkpath: '/etc' }] },
  {
    name: 'write through a link',
    entries: [
      { path: 'l', type: 'SymbolicLink', linkpath: '..' },
      { path: 'l/evil', content: 'x' },
    ],
  },
  { name: 'FIFO', entries: [{ path: 'evil', type: 'FIFO' }] },
  { name: 'character device', entries: [{ path: 'evil', type: 'CharacterDevice' }] },
  { name: 'block device', entries: [{ path: 'evil', type: 'BlockDevice' }] },
  { name: 'setuid', entries: [{ path: 'evil', mode: 0o4755, content: 'x' }] },
  { name: 'setgid', entries: [{ path: 'evil', mode: 0o2755, content: 'x' }] },
  { name: 'file twice', entries: [good, good] },
  { name: 'file below a file', entries: [good, { path: 'good.yaml/x', content: 'x' }] },
  { name: 'directory over a file', entries: [good, { path: 'good.yaml', type: 'Directory' }] },
  { name: 'truncated', entries: [{ path: 'short', content: 'x', declaredSize: 99_999 }] },
];

describe('unpackArchive', () => {
  it('does not keep what follows the end of an archive, however long that is', async () => {
    const zeros = Buffer.alloc(256 * 1024 * 1024);
    const archive = gzipSync(Buffer.concat([rawTar([good]), zeros]), { level: 1 });
    expect(await unpackArchive(archive, dir)).toEqual({ files: 1, bytes: 4 });
  });

  it('makes nothing of an archive without entries, as of a source without files', async () => {
    const path = join(base, 'empty');
    await packArtifact([], path);
    await unpackArchive(path, dir);
    expect(await readdir(dir)).toEqual([]);
  });

  it.each([
    { name: 'nothing', bytes: Buffer.alloc(0) },
    { name: 'half of an end', bytes: Buffer.alloc(512) },
    { name: 'no archive', bytes: Buffer.from('x'.repeat(2048)) },
  ])('refuses $name', async ({ bytes }) => {
    await expect(unpackArchive(gzipSync(bytes), dir)).rejects.toThrow(ArchiveError);
  });

  describe.each(evil)('refuses an archive with $name', ({ entries }) => {
    it.each(['bytes', 'stream', 'path'])('given as %s', async (form) => {
      const archive = rawArchive([{ path: 'first', content: '1' }, ...entries, good]);
      await writeFile(join(base, 'archive'), archive);
      const source =
        form === 'bytes'
          ? archive
          : form === 'stream'
            ? createReadStream(join(base, 'archive'))
            : join(base, 'archive');

      await expect(unpackArchive(source, dir)).rejects.toThrow(ArchiveError);

      expect((await readdir(base)).sort()).toEqual(['archive', 'target']);
      await expect(stat('/tmp/evil-abs')).rejects.toThrow('ENOENT');
      for (const name of await readdir(dir)) {
        expect((await stat(join(dir, name))).isFile()).toBe(true);
      }
    });
  });

  it('leaves symbolic links out when told', async () => {
    const archive = rawArchive([
      { path: 'l', type: 'SymbolicLink', linkpath: '/etc/passwd' },
      good,
    ]);
    await unpackArchive(archive, dir, { links: 'skip' });
    expect(await readdir(dir)).toEqual(['good.yaml']);
  });

  it('takes links for files without content when told, but not those that have some', () => {
    const links: RawEntry[] = [
      { path: 'soft', type: 'SymbolicLink', linkpath: '/etc/passwd', mode: 0o777 },
      { path: 'hard', type: 'Link', linkpath: 'good.yaml' },
    ];
    const files = readArchive(rawArchive([good, ...links]), { links: 'empty' });
    expect(files?.map(({ path, content }) => [path, content.toString()])).toEqual([
      ['good.yaml', 'good'],
      ['hard', ''],
      ['soft', ''],
    ]);
    for (const link of links) {
      const archive = rawArchive([{ ...link, content: 'x' }]);
      expect(() => readArchive(archive, { links: 'empty' })).toThrow(ArchiveError);
    }
  });

  it('writes files with the directories they need, accepts ./ and the root', async () => {
    const archive = rawArchive([
      { path: './', type: 'Directory', mode: 0o1777 },
      { path: './a/b/run.sh', content: 'echo', mode: 0o755 },
      { path: 'a/', type: 'Directory' },
      { path: 'a/empty', content: '' },
    ]);

    const result = await unpackArchive(archive, dir);

    expect(result).toEqual({ files: 2, bytes: 4 });
    expect(await readFile(join(dir, 'a/b/run.sh'), 'utf8')).toBe('echo');
    expect((await stat(join(dir, 'a/b/run.sh'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'a/empty'))).mode & 0o777).toBe(0o600);
  });

  it('unpacks what packArtifact wrote, in a worker thread when it is large', async () => {
    const noise = incompressible(400_000);
    const names = Array.from({ length: 20 }, (_, i) => `dir-${i % 3}/file-${i}`);
    const entries = names.map((path, i) => ({
      path,
      executable: i % 2 === 0,
      read: () => Buffer.concat([Buffer.from(path), noise, noise.subarray(i)]),
    }));
    await packArtifact(entries, join(base, 'big'));
    expect((await stat(join(base, 'big'))).size).toBeGreaterThan(256 * 1024);

    const result = await unpackArchive(join(base, 'big'), dir);

    expect(result.files).toBe(20);
    for (const entry of entries) {
      expect((await readFile(join(dir, entry.path))).equals(entry.read())).toBe(true);
      const mode = (await stat(join(dir, entry.path))).mode & 0o777;
      expect(mode).toBe(entry.executable ? 0o700 : 0o600);
    }
  });

  it('reports a refusal from the worker thread as the same error', async () => {
    const noise = incompressible(600_000);
    const tar = rawTar([
      { path: 'noise', content: noise.toString('latin1') },
      { path: '../evil', content: 'x' },
    ]);
    await writeFile(join(base, 'big'), gzipSync(tar, { level: 0 }));
    await expect(unpackArchive(join(base, 'big'), dir)).rejects.toThrow(ArchiveError);
  });

  it.each([
    { name: 'bytes', limits: { maxBytes: 10_000 }, message: /more than 10000 bytes/ },
    { name: 'files', limits: { maxFiles: 3 }, message: /more than 3 entries/ },
  ])('stops at the limit of $name', async ({ limits, message }) => {
    const archive = rawArchive(
      Array.from({ length: 4 }, (_, i) => ({ path: `f${i}`, content: 'x'.repeat(4000) })),
    );
    await expect(unpackArchive(archive, dir, limits)).rejects.toThrow(message);
  });

  it('stops a decompression bomb, also behind the end of the archive', async () => {
    const bomb = gzipSync(Buffer.concat([rawTar([good]), Buffer.alloc(64 * 1024 * 1024)]));
    await expect(unpackArchive(bomb, dir, { maxBytes: 1024 * 1024 })).rejects.toThrow(
      /more than 1048576 bytes/,
    );
  });

  it.each([
    { name: 'no gzip', archive: Buffer.from('not an archive') },
    { name: 'no tar', archive: gzipSync('x'.repeat(2000)) },
    { name: 'cut', archive: rawArchive([good]).subarray(0, 60) },
  ])('refuses what is $name', async ({ archive }) => {
    await expect(unpackArchive(Readable.from([archive]), dir)).rejects.toThrow(ArchiveError);
    await expect(unpackArchive(archive, dir)).rejects.toThrow(ArchiveError);
  });
});

describe('readArchive', () => {
  it('returns the files of a small archive in lexical order', () => {
    const files = readArchive(rawArchive([good, { path: 'a', content: '1', mode: 0o700 }]));
    expect(files?.map((f) => [f.path, f.executable, f.content.toString()])).toEqual([
      ['a', true, '1'],
      ['good.yaml', false, 'good'],
    ]);
  });

  it('leaves an archive that grows large to the caller', () => {
    expect(readArchive(gzipSync(Buffer.alloc(32 * 1024 * 1024)))).toBeUndefined();
  });
});
