import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitServer, startGitServer } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

let bed: SourceBed;
let server: GitServer;

beforeAll(async () => {
  [bed, server] = await Promise.all([startSourceBed(), startGitServer()]);
  await server.createRepo('app', { 'a.yaml': 'a: 1\n' });
});

afterAll(async () => {
  await bed?.stop();
  await server?.stop();
});

async function create(name: string) {
  const object = await bed.createGit(name, { url: server.url('app'), ref: { branch: 'main' } });
  return bed.ready(object);
}

describe('stored artifacts', () => {
  it('survive a kill, and the same tree gives the same bytes when they are lost', async () => {
    const object = await create('restart');
    const { artifact } = object.status ?? {};
    const before = await download(artifact);

    await bed.process.kill();
    await bed.process.start();
    expect((await download(artifact)).equals(before)).toBe(true);

    await bed.process.kill();
    await rm(bed.storage, { recursive: true });
    await bed.process.start();
    await bed.until(object, (o) => o.status?.artifact !== undefined);
    const rebuilt = await bed.request(object);
    expect(rebuilt.status?.artifact?.digest).toBe(artifact?.digest);
    expect((await download(rebuilt.status?.artifact)).equals(before)).toBe(true);
  });

  it('are made again when a byte of them is flipped', async () => {
    const object = await create('flipped');
    const path = join(bed.storage, object.status?.artifact?.path ?? '');
    const bytes = await readFile(path);
    const at = bytes.length - 12;
    bytes[at] = (bytes[at] as number) ^ 0xff;
    await writeFile(path, bytes);

    const rebuilt = await bed.request(object);

    expect(rebuilt.status?.artifact?.digest).toBe(object.status?.artifact?.digest);
    expect(await filesOf(rebuilt.status?.artifact)).toEqual({ 'a.yaml': 'a: 1\n' });
  });
});
