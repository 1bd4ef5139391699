import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ArtifactServer,
  type ArtifactServerOptions,
  ArtifactStore,
  serveArtifacts,
} from '@sluice/shared/artifact';
import { createLogger } from '@sluice/shared/base';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const owner = { namespace: 'team', name: 'app' };
const path = 'ocirepository/team/app/one.tar.gz';
const content = randomBytes(1000);
const retention = { retentionTtlMs: 60_000, retentionRecords: 2 };

let dir: string;
let log: string[];
const servers: ArtifactServer[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'server-'));
  log = [];
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await rm(dir, { recursive: true, force: true });
});

/** Starts a replica with a storage of its own, in which the file is, or nothing. */
async function replica(
  name: string,
  o: Partial<ArtifactServerOptions> & { empty?: boolean } = {},
): Promise<ArtifactServer & { address: string }> {
  const options = { advertisedAddress: 'x', digestAlgorithm: 'sha256', ...retention } as const;
  const store = new ArtifactStore({ dir: join(dir, name), ...options });
  if (!o.empty) {
    const place = await store.place('OCIRepository', owner, 'one.tar.gz');
    await writeFile(place.temporary, content);
    await store.commit(place, { revision: 'r', digest: 'sha256:x', size: content.length });
  }
  const destination = { write: (line: string) => void log.push(line) };
  const logger = createLogger({ level: 'debug', name, destination });
  const server = await serveArtifacts(store, { host: '127.0.0.1', port: 0, logger, ...o });
  servers.push(server);
  return { ...server, address: `127.0.0.1:${server.port}` };
}

interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

async function get(
  { address }: { address: string },
  headers: Record<string, string> = {},
  method: 'GET' | 'HEAD' = 'GET',
): Promise<Got> {
  const answer = await request(`http://${address}/${path}?secret=1`, { headers, method });
  const body = Buffer.from(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers: answer.headers, body };
}

describe('a download', () => {
  it('of a part gets that part, and of what is outside of the file none', async () => {
    const server = await replica('one');
    const { status, headers, body } = await get(server, { range: 'bytes=100-199' });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe('bytes 100-199/1000');
    expect(body.equals(content.subarray(100, 200))).toBe(true);
    const outside = await get(server, { range: 'bytes=1000-' });
    expect([outside.status, outside.headers['content-range']]).toEqual([416, 'bytes */1000']);
    const head = await get(server, { range: 'bytes=-10' }, 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([206, '10', 0]);
  });

  it('goes on only with the same file', async () => {
    const server = await replica('one');
    const { etag = '' } = (await get(server)).headers;
    const range = 'bytes=990-';
    expect((await get(server, { range, 'if-range': etag })).body.length).toBe(10);
    const other = await get(server, { range, 'if-range': '"other"' });
    expect([other.status, other.body.equals(content)]).toEqual([200, true]);
  });

  it('of what the client has already gets nothing', async () => {
    const server = await replica('one');
    const { etag = '', 'last-modified': time = '' } = (await get(server)).headers;
    const statusWith = async (headers: Record<string, string>) =>
      (await get(server, headers)).status;
    expect(await statusWith({ 'if-none-match': etag })).toBe(304);
    expect(await statusWith({ 'if-none-match': `"a", W/${etag}` })).toBe(304);
    expect(await statusWith({ 'if-none-match': '"a"' })).toBe(200);
    expect(await statusWith({ 'if-modified-since': time })).toBe(304);
    const before = new Date(Date.parse(time) - 1000).toUTCString();
    expect(await statusWith({ 'if-modified-since': before })).toBe(200);
    // The tag says more than the time.
    expect(await statusWith({ 'if-none-match': '"a"', 'if-modified-since': time })).toBe(200);
  });

  it('is logged without what the client says of itself', async () => {
    const server = await replica('one');
    await get(server, { authorization: 'Bearer h.secret.s' });
    await expect
      .poll(() => log.map((line) => JSON.parse(line)), { timeout: 10_000 })
      .toMatchObject([{ path: `/${path}`, method: 'GET', status: 200, complete: true }]);
    expect(log.join('')).not.toMatch(/secret|Bearer/);
  });
});

describe('the gate', () => {
  const gate: ArtifactServerOptions['gate'] = async ({ headers }) =>
    headers.authorization === 'Bearer good'
      ? undefined
      : { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: 'no token\n' };

  it('lets through whom it knows, and nobody else learns what there is', async () => {
    const server = await replica('one', { gate });
    expect((await get(server, { authorization: 'Bearer good' })).body.equals(content)).toBe(true);
    for (const o of [server, await replica('two', { gate, empty: true })]) {
      const refused = await get(o);
      expect(refused.status).toBe(401);
      expect(refused.headers['www-authenticate']).toBe('Bearer');
      expect(refused.body.toString()).toBe('no token\n');
      expect((await get(o, { 'if-none-match': '*' })).status).toBe(401);
    }
  });

  it('is not asked for the root, by which the Pod is probed', async () => {
    const { address } = await replica('one', { gate });
    expect((await request(`http://${address}/`)).statusCode).toBe(200);
  });
});

describe('a replica that does not lead', () => {
  it('answers what the one that leads answers', async () => {
    const leader = await replica('leader');
    const follower = await replica('follower', {
      empty: true,
      leader: () => ({ address: leader.address }),
    });
    const [direct, through] = [await get(leader), await get(follower)];
    expect(through.body.equals(content)).toBe(true);
    const { date: _, connection: __, 'keep-alive': ___, ...headers } = direct.headers;
    expect(through.headers).toMatchObject(headers);
    const { etag = '' } = direct.headers;
    expect((await get(follower, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(follower, { range: 'bytes=0-9' })).body.length).toBe(10);
    expect((await get(follower, {}, 'HEAD')).headers['content-length']).toBe('1000');
    const missing = await request(`http://${follower.address}/ocirepository/team/app/two.tar.gz`);
    expect(missing.statusCode).toBe(404);
  });

  it('passes the token on, so that both have judged it', async () => {
    const seen: (string | undefined)[] = [];
    const gate: ArtifactServerOptions['gate'] = async ({ headers }) => {
      seen.push(headers.authorization);
      return undefined;
    };
    const leader = await replica('leader', { gate });
    const address = () => ({ address: leader.address });
    const follower = await replica('follower', { empty: true, gate, leader: address });
    await get(follower, { authorization: 'Bearer good', cookie: 'a=b' });
    expect(seen).toEqual(['Bearer good', 'Bearer good']);
  });

  it('serves what it has while the leader does not answer, or is not known', async () => {
    const gone = await replica('gone');
    await gone.close();
    for (const address of [gone.address, undefined]) {
      const follower = await replica('follower', { leader: () => ({ address }) });
      expect((await get(follower)).body.equals(content)).toBe(true);
    }
  });

  it('says that what it does not have may come, rather than that it is not there', async () => {
    const follower = await replica('follower', {
      empty: true,
      leader: () => ({ address: undefined }),
    });
    const { status, headers } = await get(follower);
    expect([status, headers['retry-after']]).toEqual([503, '5']);
  });

  it('sends nothing on that was sent on, so that two which do not lead ask no end', async () => {
    const addresses: Record<string, string> = {};
    const leader = (name: string) => () => ({ address: addresses[name] });
    const a = await replica('a', { empty: true, leader: leader('b') });
    const b = await replica('b', { empty: true, leader: leader('a') });
    Object.assign(addresses, { a: a.address, b: b.address });
    expect((await get(a)).status).toBe(503);
    await expect.poll(() => log.length, { timeout: 10_000 }).toBe(2);
  });
});
