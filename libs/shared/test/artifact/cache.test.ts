import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Artifact } from '@sluice/shared/api';
import { ArtifactCache, type ArtifactCacheOptions } from '@sluice/shared/artifact';
import {
  createHasher,
  RetryableError,
  StalledError,
  sha256Hex,
  silentLogger,
} from '@sluice/shared/base';
import { localDispatcher } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rawArchive, rawTar } from './tar-builder.ts';

let dir: string;
let server: Server;
let requests: string[];
let authorizations: (string | undefined)[];
/** Content by path. */
let contents: Map<string, Buffer>;
/** Answers in place of the normal one; returns true when it did. */
let onRequest: ((response: ServerResponse, path: string) => boolean) | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cache-'));
  requests = [];
  authorizations = [];
  contents = new Map();
  onRequest = undefined;
  server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    authorizations.push(request.headers.authorization);
    if (onRequest?.(response, path)) return;
    const content = contents.get(path);
    if (content === undefined) response.writeHead(404).end();
    else response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

function cacheWith(options: Partial<ArtifactCacheOptions> = {}): ArtifactCache {
  return new ArtifactCache({
    dir: join(dir, 'cache'),
    maxBytes: 10_000,
    httpRetries: 2,
    logger: silentLogger,
    dispatcher: localDispatcher(),
    ...options,
  });
}

function serve(name: string, archive: Buffer): Artifact {
  contents.set(`/${name}`, archive);
  return {
    path: name,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`,
    revision: `main@sha1:${name}`,
    digest: `sha256:${sha256Hex(archive)}`,
    lastUpdateTime: '2026-01-01T00:00:00Z',
    size: archive.length,
  };
}

const archiveOf = (content: string) => rawArchive([{ path: 'a/b.yaml', content }]);
const unpackedIn = async () => (await readdir(join(dir, 'cache'))).length;

describe('ArtifactCache', () => {
  it('downloads once for all who ask at the same time, and later', async () => {
    const cache = cacheWith();
    const artifact = serve('one', archiveOf('1'));

    const held = await Promise.all(Array.from({ length: 20 }, () => cache.acquire(artifact)));
    held.push(await cache.acquire(artifact));

    expect(requests).toEqual(['/one']);
    expect(new Set(held.map((one) => one.dir)).size).toBe(1);
    const unpacked = held[0] as (typeof held)[number];
    expect(await readFile(join(unpacked.dir, 'a/b.yaml'), 'utf8')).toBe('1');
    expect([unpacked.files, unpacked.digest]).toEqual([1, artifact.digest]);
    expect((await stat(unpacked.dir)).mode & 0o777).toBe(0o700);
  });

  it('goes by the digest: the same content under another address is not downloaded again', async () => {
    const cache = cacheWith();
    await cache.acquire(serve('one', archiveOf('1')));
    await cache.acquire(serve('two', archiveOf('1')));
    expect(requests).toEqual(['/one']);
  });

  it('verifies a digest of blake3', async () => {
    const archive = archiveOf('1');
    const hash = await createHasher('blake3');
    hash.update(archive);
    const artifact = { ...serve('one', archive), digest: hash.digest() };
    const unpacked = await cacheWith().acquire(artifact);
    expect(await readFile(join(unpacked.dir, 'a/b.yaml'), 'utf8')).toBe('1');
    contents.set('/one', archiveOf('2'));
    const other = cacheWith({ httpRetries: 0 }).acquire(artifact);
    await expect(other).rejects.toThrow(`expected ${artifact.digest}`);
  });

  it('asks with what the address is to be given, at each attempt', async () => {
    const artifact = serve('one', archiveOf('1'));
    onRequest = (response) => requests.length < 2 && Boolean(response.writeHead(503).end());
    let turn = 0;
    const authorize = async (url: string) =>
      url === artifact.url ? `Bearer ${++turn}` : undefined;
    const cache = cacheWith({ authorize });
    await cache.acquire(artifact);
    await cache.acquire(serve('two', archiveOf('2')));
    expect(authorizations).toEqual(['Bearer 1', 'Bearer 2', undefined]);
  });

  it('says where the token comes from when it is missing', async () => {
    const artifact = serve('one', archiveOf('1'));
    onRequest = (response) => Boolean(response.writeHead(401).end());
    await expect(cacheWith().acquire(artifact)).rejects.toThrow(
      'answered with status 401: see --artifact-token-file',
    );
    expect(requests).toHaveLength(1);
  });

  it('opens what the process has stored itself, and verifies it as well', async () => {
    const [artifact, other] = [serve('one', archiveOf('1')), serve('two', archiveOf('2'))];
    const openLocal = (url: string) =>
      url === artifact.url ? () => Readable.from([archiveOf('1')]) : undefined;
    const cache = cacheWith({ openLocal });
    await cache.acquire(artifact);
    await cache.acquire(other);
    expect(requests).toEqual(['/two']);
    const changed = { openLocal: () => () => Readable.from([archiveOf('3')]), httpRetries: 0 };
    await expect(cacheWith(changed).acquire(artifact)).rejects.toThrow('its digest is');
  });

  it('drops the least recently used when full, but none that is in use', async () => {
    const cache = cacheWith({ maxBytes: 2500 });
    const [one, two, three] = ['1', '2', '3'].map((c) => serve(c, archiveOf(c.repeat(1000))));
    if (!one || !two || !three) throw new Error('unreachable');
    const first = await cache.acquire(one);
    (await cache.acquire(two)).release();
    (await cache.acquire(three)).release();

    expect(cache.bytes).toBe(2000);
    await (await cache.acquire(one)).release();
    await cache.acquire(three);
    expect(requests).toEqual(['/1', '/2', '/3']);
    await cache.acquire(two);
    expect(requests).toEqual(['/1', '/2', '/3', '/2']);
    expect(cache.bytes).toBe(3000);

    first.release();
    first.release();
    expect(cache.bytes).toBe(2000);
  });

  it('retries what may pass, a bounded number of times', async () => {
    const cache = cacheWith();
    const artifact = serve('one', archiveOf('1'));
    onRequest = (response) => {
      if (requests.length > 2) return false;
      response.writeHead(503).end();
      return true;
    };
    await cache.acquire(artifact);
    expect(requests).toHaveLength(3);

    onRequest = (response) => Boolean(response.writeHead(500).end());
    await expect(cache.acquire(serve('two', archiveOf('2')))).rejects.toThrow(RetryableError);
    expect(requests).toHaveLength(6);
  });

  it('does not retry when the file is gone, but says so at once', async () => {
    const cache = cacheWith();
    const artifact = serve('one', archiveOf('1'));
    contents.clear();
    await expect(cache.acquire(artifact)).rejects.toMatchObject({
      kind: 'retryable',
      reason: 'ArtifactFailed',
      message: expect.stringContaining('status 404'),
    });
    expect(requests).toHaveLength(1);
  });

  it.each([
    { name: 'one flipped byte', small: true },
    { name: 'one flipped byte in a large archive', small: false },
  ])('refuses content with $name, and keeps none of it', async ({ small }) => {
    const cache = cacheWith({ httpRetries: 0 });
    const archive = small
      ? archiveOf('1')
      : gzipSync(rawTar([{ path: 'a', content: randomBytes(400_000).toString('hex') }]));
    const artifact = serve('one', archive);
    const damaged = Buffer.from(archive);
    damaged[30] = (damaged[30] as number) ^ 1;
    contents.set('/one', damaged);

    await expect(cache.acquire(artifact)).rejects.toThrow(/its digest is sha256:.*, expected/);
    expect(await unpackedIn()).toBe(0);

    contents.set('/one', archive);
    await cache.acquire(artifact);
  });

  it.each(['', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'sha256:abc', 'sha1:da39a3ee'])(
    'refuses the digest %j before it downloads anything',
    async (digest) => {
      const artifact = { ...serve('one', archiveOf('1')), digest };
      await expect(cacheWith().acquire(artifact)).rejects.toThrow(StalledError);
      expect(requests).toEqual([]);
    },
  );

  it('refuses an evil archive, and keeps none of it', async () => {
    const cache = cacheWith();
    const evil = rawArchive([
      { path: 'good', content: '1' },
      { path: '../../evil', content: 'x' },
    ]);
    await expect(cache.acquire(serve('evil', evil))).rejects.toThrow(/archive refused.*evil/);
    expect(await unpackedIn()).toBe(0);
    expect(requests).toHaveLength(1);
  });

  it('refuses an archive that unpacks to more than the limit', async () => {
    const cache = cacheWith({ maxUnpackedBytes: 100_000 });
    const bomb = serve('bomb', archiveOf('0'.repeat(10_000_000)));
    await expect(cache.acquire(bomb)).rejects.toThrow(/more than 100000 bytes/);
    expect(await unpackedIn()).toBe(0);
  });

  it('does not follow redirects', async () => {
    const cache = cacheWith();
    const target = serve('target', archiveOf('1'));
    onRequest = (response, path) => {
      if (path === '/target') return false;
      response.writeHead(302, { location: target.url }).end();
      return true;
    };
    await expect(cache.acquire(serve('one', archiveOf('1')))).rejects.toThrow('status 302');
    expect(requests).toEqual(['/one']);
  });

  it('takes a large archive through a file and leaves only the directory', async () => {
    const cache = cacheWith();
    const content = randomBytes(400_000).toString('hex');
    const archive = gzipSync(rawTar([{ path: 'big', content }]));
    expect(archive.length).toBeGreaterThan(256 * 1024);
    const unpacked = await cache.acquire(serve('big', archive));
    expect(await readFile(join(unpacked.dir, 'big'), 'utf8')).toBe(content);
    expect(await unpackedIn()).toBe(1);
  });

  it('removes what an earlier process left, and asks the address it is told', async () => {
    await mkdir(join(dir, 'cache/artifact-old'), { recursive: true });
    await writeFile(join(dir, 'cache/artifact-old/x'), 'x');
    const artifact = serve('one', archiveOf('1'));
    const resolveUrl = (url: string) => url.replace('cluster.invalid', new URL(artifact.url).host);
    const cache = cacheWith({ resolveUrl });
    expect(await unpackedIn()).toBe(0);
    const elsewhere = { ...artifact, url: 'http://cluster.invalid/one' };
    expect((await cache.acquire(elsewhere)).files).toBe(1);
    await cache.close();
    expect(await unpackedIn()).toBe(0);
  });

  it('ends the wait of a caller who gave up, not that of the others', async () => {
    const cache = cacheWith();
    const artifact = serve('one', archiveOf('1'));
    const stop = new AbortController();
    const gaveUp = cache.acquire(artifact, stop.signal);
    const waits = cache.acquire(artifact);
    stop.abort(new Error('stopped'));
    await expect(gaveUp).rejects.toThrow('stopped');
    expect((await waits).files).toBe(1);
  });
});
