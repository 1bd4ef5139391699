import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import {
  type ArtifactArchive,
  type ArtifactServer,
  ArtifactStore,
  packArtifact,
  serveArtifacts,
} from '@sluice/shared/artifact';
import { FakeClock, silentLogger } from '@sluice/shared/base';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const owner = { namespace: 'team', name: 'app.one' };

/** What every storage does, whatever it keeps files in besides the disk. */
export function describeStorage(name: string, archiveOf: () => ArtifactArchive | undefined): void {
  describe(`a storage ${name}`, () => {
    let dir: string;
    let store: ArtifactStore;
    let server: ArtifactServer;
    const clock = new FakeClock();

    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'store-'));
      store = new ArtifactStore({
        dir: join(dir, 'data'),
        advertisedAddress: 'artifacts.example.',
        retentionTtlMs: 60_000,
        retentionRecords: 2,
        digestAlgorithm: 'sha256',
        archive: archiveOf(),
        clock,
      });
      await store.archived?.takeStock();
      await writeFile(join(dir, 'secret.txt'), 'secret');
      server = await serveArtifacts(store, { host: '127.0.0.1', port: 0, logger: silentLogger });
    });
    afterEach(async () => {
      await server.close();
      await rm(dir, { recursive: true, force: true });
    });

    async function publish(
      file: string,
      content: string,
      kind = 'OCIRepository',
    ): Promise<Artifact> {
      const entry = { path: 'a.yaml', executable: false, read: () => Buffer.from(content) };
      const place = await store.place(kind, owner, file);
      const packed = await packArtifact([entry], place.temporary);
      return store.commit(place, { ...packed, revision: `r@${content}` });
    }

    function filesIn(kind = 'ocirepository'): Promise<string[]> {
      return readdir(join(store.dir, kind, 'team/app.one')).then((names) => names.sort());
    }

    /** Sends a path as it is; clients would clean it up. */
    function rawGet(path: string): Promise<string> {
      return new Promise((resolve, reject) => {
        const socket = connect(server.port, '127.0.0.1', () =>
          socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
        );
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.on('end', () => resolve(text));
        socket.on('error', reject);
      });
    }

    describe('ArtifactStore', () => {
      it('describes what it stored as the status wants it', async () => {
        const artifact = await publish('one.tar.gz', '1');
        expect(artifact).toEqual({
          path: 'ocirepository/team/app.one/one.tar.gz',
          url: 'http://artifacts.example./ocirepository/team/app.one/one.tar.gz',
          revision: 'r@1',
          digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
          size: (await lstat(join(store.dir, 'ocirepository/team/app.one/one.tar.gz'))).size,
          lastUpdateTime: '2026-01-01T00:00:00Z',
        });
        expect(await store.verify(artifact)).toBe(true);
      });

      it('leaves the previous file and nothing else when a place is discarded', async () => {
        const before = await publish('one.tar.gz', '1');
        const place = await store.place('OCIRepository', owner, 'one.tar.gz');
        await writeFile(place.temporary, 'half');
        await place.discard();
        expect(await store.verify(before)).toBe(true);
        expect(await filesIn()).toEqual(['latest.tar.gz', 'one.tar.gz']);
      });

      it('links the newest index by the name that repositories give it', async () => {
        await publish('index-one.yaml', '1', 'HelmRepository');
        expect(await filesIn('helmrepository')).toEqual(['index-one.yaml', 'index.yaml']);
        expect(store.latestUrl('HelmRepository', owner)).toMatch(/\/index\.yaml$/);
      });

      it('links the newest file, except for Git', async () => {
        await publish('one.tar.gz', '1');
        await publish('two.tar.gz', '2');
        const dirOf = (kind: string) => join(store.dir, kind, 'team/app.one');
        const latest = await readFile(join(dirOf('ocirepository'), 'latest.tar.gz'));
        expect(latest.equals(await readFile(join(dirOf('ocirepository'), 'two.tar.gz')))).toBe(
          true,
        );
        await publish('one.tar.gz', '1', 'GitRepository');
        expect(await filesIn('gitrepository')).toEqual(['one.tar.gz']);
      });

      it.each([
        { name: 'a flipped byte', digest: undefined, damage: true },
        { name: 'another digest', digest: `sha256:${'0'.repeat(64)}`, damage: false },
        { name: 'a weak digest', digest: 'md5:d41d8cd98f00b204e9800998ecf8427e', damage: false },
        { name: 'no digest', digest: '', damage: false },
      ])('does not verify a file with $name', async ({ digest, damage }) => {
        const artifact = await publish('one.tar.gz', '1');
        if (damage) {
          const path = join(store.dir, artifact.path);
          const bytes = await readFile(path);
          bytes[20] = (bytes[20] as number) ^ 1;
          await writeFile(path, bytes);
        }
        expect(await store.verify({ ...artifact, digest: digest ?? artifact.digest })).toBe(false);
      });

      it('does not verify what is not there, or outside of the storage', async () => {
        const artifact = await publish('one.tar.gz', '1');
        expect(await store.verify({ ...artifact, path: '../secret.txt' })).toBe(false);
        expect(await store.verify({ ...artifact, path: dirname(artifact.path) })).toBe(false);
        await rm(join(store.dir, artifact.path));
        expect(await store.verify(artifact)).toBe(false);
      });

      it('removes expired files, then the oldest beyond the number to keep, never the current one', async () => {
        const ages: Record<string, number> = { 'a.tar.gz': 120, 'b.tar.gz': 30, 'c.tar.gz': 20 };
        for (const name of Object.keys(ages)) await publish(name, name);
        const current = await publish('d.tar.gz', 'd');
        for (const [name, age] of Object.entries({ ...ages, 'd.tar.gz': 500 })) {
          const at = clock.now() / 1000 - age;
          await utimes(join(store.dir, dirname(current.path), name), at, at);
        }
        await writeFile(join(store.dir, dirname(current.path), '.tmp-crashed'), 'half');

        expect(await store.garbageCollect('OCIRepository', owner, current)).toEqual([
          'a.tar.gz',
          'b.tar.gz',
        ]);
        expect(await filesIn()).toEqual(['c.tar.gz', 'd.tar.gz', 'latest.tar.gz']);
      });

      it('reads a stored file, and says when there is none', async () => {
        const artifact = await publish('one.tar.gz', '1');
        const chunks: Uint8Array[] = [];
        for await (const chunk of store.read(artifact.path)) chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(await readFile(join(store.dir, artifact.path)))).toBe(
          true,
        );
        for (const path of [`${artifact.path}x`, dirname(artifact.path)]) {
          await expect(store.read(path).next()).rejects.toThrow('not stored here any more');
        }
        expect(() => store.open('../secret.txt')).toThrow('..');
      });

      it('removes everything of a deleted object, and nothing of others', async () => {
        const artifact = await publish('one.tar.gz', '1');
        const other = { namespace: 'team', name: 'app' };
        await mkdir(join(store.dir, 'ocirepository/team/app'), { recursive: true });
        await store.remove('OCIRepository', owner);
        expect(await store.verify(artifact)).toBe(false);
        await store.remove('OCIRepository', owner);
        expect(await readdir(join(store.dir, 'ocirepository/team'))).toEqual([other.name]);
      });

      it.each([
        { name: '..', namespace: 'team' },
        { name: 'a/b', namespace: 'team' },
        { name: 'app', namespace: '../..' },
        { name: '', namespace: 'team' },
      ])('refuses an owner that would leave the storage: %j', async (bad) => {
        await expect(store.remove('OCIRepository', bad)).rejects.toThrow();
      });
    });

    describe('serveArtifacts', () => {
      const url = (path: string) => `http://127.0.0.1:${server.port}/${path}`;

      it('answers at its root that it serves, and lists nothing', async () => {
        const response = await fetch(url(''));
        expect(response.status).toBe(200);
        expect(await response.text()).toBe('');
      });

      it('serves a file, whole or its head only, and says when it is unchanged', async () => {
        const artifact = await publish('one.tar.gz', '1');
        const got = await request(url(artifact.path));
        const bytes = Buffer.from(await got.body.arrayBuffer());
        expect(bytes.equals(await readFile(join(store.dir, artifact.path)))).toBe(true);
        expect(got.headers).toMatchObject({
          'content-type': 'application/gzip',
          'content-length': String(artifact.size),
        });

        const head = await request(url(artifact.path), { method: 'HEAD' });
        expect([head.statusCode, head.headers['content-length'], await head.body.text()]).toEqual([
          200,
          String(artifact.size),
          '',
        ]);
        const headers = { 'if-none-match': String(got.headers['etag']) };
        expect((await request(url(artifact.path), { headers })).statusCode).toBe(304);
      });

      it('follows the link to the newest file', async () => {
        const artifact = await publish('one.tar.gz', '1');
        const got = await request(url('ocirepository/team/app.one/latest.tar.gz'));
        expect((await got.body.arrayBuffer()).byteLength).toBe(artifact.size);
      });

      it.each([
        '/ocirepository',
        '/ocirepository/team',
        '/ocirepository/team/app.one',
        '/ocirepository/team/app.one/',
        '/ocirepository/team/app.one/none.tar.gz',
        '/ocirepository/team/app.one/.tmp-crashed',
        '/../secret.txt',
        '/%2e%2e/secret.txt',
        '/ocirepository/%2e%2e/%2e%2e/secret.txt',
        '/ocirepository/team/..%2f..%2f..%2fsecret.txt',
        '/ocirepository/team/app.one/..\\..\\secret.txt',
        '/ocirepository/../../secret.txt',
        '//etc/passwd',
        '/ocirepository/team/app.one/evil.tar.gz',
        '/ocirepository/team/app.one/evil2.tar.gz',
        '/ocirepository/team/app.one/one.tar.gz%00',
      ])('answers 404 for %s', async (path) => {
        await publish('one.tar.gz', '1');
        const objectDir = join(store.dir, 'ocirepository/team/app.one');
        await symlink('../../../../secret.txt', join(objectDir, 'evil.tar.gz'));
        await symlink(join(dir, 'secret.txt'), join(objectDir, 'evil2.tar.gz'));
        await writeFile(join(objectDir, '.tmp-crashed'), 'half');
        const answer = await rawGet(path);
        expect(answer).toMatch(/^HTTP\/1\.1 404 /);
        expect(answer).not.toContain('secret');
      });

      it('takes no other method', async () => {
        const artifact = await publish('one.tar.gz', '1');
        for (const method of ['PUT', 'POST', 'DELETE'] as const) {
          expect((await request(url(artifact.path), { method })).statusCode).toBe(405);
        }
      });
    });
  });
}
