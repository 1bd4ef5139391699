import { gzipSync } from 'node:zlib';
import { helmRepositoryKind, type KindDefinition } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { type HelmServer, startHelmServer, until } from '@sluice/testing';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, download, type SourceBed, startSourceBed } from '../source-bed.ts';

const login = { username: 'user', password: 'canary-8f31' };
const maxIndexBytes = 100_000;

let bed: SourceBed;
let server: HelmServer;
let closed: HelmServer;
let secure: HelmServer;

beforeAll(async () => {
  [bed, server, closed, secure] = await Promise.all([
    startSourceBed({ extraArgs: [`--helm-index-max-size=${maxIndexBytes}`] }),
    startHelmServer(),
    startHelmServer({ auth: login }),
    startHelmServer({ tls: true }),
  ]);
  for (const one of [server, closed, secure]) await one.publish({ name: 'app', version: '1.0.0' });
});

afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  await Promise.all([bed?.stop(), server?.stop(), closed?.stop(), secure?.stop()]);
  expect(log).not.toContain(login.password);
});

describe('a HelmRepository', () => {
  it('follows the index, and stores nothing while it stays the same', async () => {
    const object = await bed.createHelm('follow', { url: server.url });
    const ready = await bed.ready(object);
    const { artifact, url } = ready.status ?? {};
    const sent = server.files.get('charts/index.yaml') as Buffer;
    expect(artifact?.revision).toBe(`sha256:${sha256Hex(sent)}`);
    expect(artifact?.path).toBe(
      `helmrepository/${bed.namespace}/follow/index-${sha256Hex(sent)}.yaml`,
    );
    expect(url).toMatch(/\/index\.yaml$/);
    const latest = await request(url ?? '');
    const stored = JSON.parse(await latest.body.text());
    expect(stored.entries.app[0]).toMatchObject({ name: 'app', version: '1.0.0' });
    expect(conditionOf(ready, 'ArtifactInStorage')?.reason).toBe('Succeeded');

    const again = await bed.request(object);
    expect(again.status?.artifact).toEqual(artifact);

    await server.publish({ name: 'app', version: '1.10.0' }, { name: 'app', version: '1.9.0' });
    const moved = await bed.request(object);
    expect(moved.status?.artifact?.revision).not.toBe(artifact?.revision);
    const index = JSON.parse((await download(moved.status?.artifact)).toString('utf8'));
    expect(index.entries.app.map((entry: { version: string }) => entry.version)).toEqual([
      '1.10.0',
      '1.9.0',
      '1.0.0',
    ]);
  });

  it('does not fetch an index again that its server says is the same', async () => {
    const answers: number[] = [];
    let etag = '"one"';
    const files = new Map([['/tagged/index.yaml', server.files.get('charts/index.yaml')]]);
    server.onRequest = (path, response) => {
      const body = files.get(path);
      if (body === undefined) return false;
      const isSame = response.req.headers['if-none-match'] === etag;
      answers.push(isSame ? 304 : 200);
      if (isSame) response.writeHead(304).end();
      else response.writeHead(200, { etag }).end(body);
      return true;
    };
    const url = `${new URL(server.url).origin}/tagged`;
    const object = await bed.createHelm('tagged', { url });
    const first = await bed.ready(object);
    const same = await bed.request(object);
    expect(same.status?.artifact).toEqual(first.status?.artifact);
    expect(conditionOf(same, 'Ready')).toEqual(conditionOf(first, 'Ready'));

    etag = '"two"';
    await server.publish({ name: 'app', version: '2.0.0' });
    files.set('/tagged/index.yaml', server.files.get('charts/index.yaml'));
    const changed = await bed.request(object);
    expect(changed.status?.artifact?.revision).not.toBe(first.status?.artifact?.revision);

    await bed.patchSpec(object, { interval: '11m' });
    await bed.request(object);
    // The request may come after the change, and be a reconcile of its own.
    expect(answers.slice(0, 4)).toEqual([200, 304, 200, 200]);
    server.onRequest = undefined;
  });

  it('logs in with the Secret, and names what is wrong with it', async () => {
    await bed.createSecret('login', login);
    const spec = { url: closed.url, secretRef: { name: 'login' } };
    await bed.ready(await bed.createHelm('login', spec));

    const anonymous = await bed.createHelm('anonymous', { url: closed.url });
    await bed.failed(anonymous, 'AuthenticationFailed');

    await bed.createSecret('half', { username: 'user' });
    const half = await bed.createHelm('half', { ...spec, secretRef: { name: 'half' } });
    const failed = await bed.failed(half, 'AuthenticationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('both username and password');
  });

  it.each([
    { name: 'a Secret for TLS', field: 'certSecretRef', key: 'ca.crt' },
    { name: 'the Secret of the login, as before', field: 'secretRef', key: 'caFile' },
  ])('trusts the authority of $name only', async ({ field, key }) => {
    const name = field.toLowerCase();
    await bed.createSecret(name, { [key]: secure.ca ?? '' });
    const unknown = await bed.createHelm(`${name}-unknown`, { url: secure.url });
    await bed.failed(unknown, 'Failed');
    await bed.ready(await bed.createHelm(name, { url: secure.url, [field]: { name } }));
  });

  it.each([
    { name: 'bomb', index: bomb(), message: /aliases stand for more/ },
    { name: 'broken', index: 'apiVersion: v1\nentries: [', message: /index\.yaml:/ },
    { name: 'no-version', index: 'entries: {}', message: /no API version/ },
  ])('refuses an index that is no index: $name', async ({ name, index, message }) => {
    server.files.set(`${name}/index.yaml`, Buffer.from(index));
    const url = `${new URL(server.url).origin}/${name}`;
    const failed = await bed.failed(await bed.createHelm(name, { url }), 'IndexationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toMatch(message);
    expect(failed.status?.artifact).toBeUndefined();
  });

  it('stops reading an index that is too large', async () => {
    let sent = 0;
    server.onRequest = (path, response) => {
      if (!path.startsWith('/endless')) return false;
      const more = () => {
        while (!response.destroyed && response.write('#'.repeat(10_000))) sent += 10_000;
      };
      response.on('drain', more);
      more();
      return true;
    };
    const url = `${new URL(server.url).origin}/endless`;
    const failed = await bed.failed(await bed.createHelm('endless', { url }), 'Failed');
    server.onRequest = undefined;
    expect(conditionOf(failed, 'Ready')?.message).toContain(`over ${maxIndexBytes} bytes`);
    expect(sent).toBeLessThan(1000 * maxIndexBytes);
  });

  it('may be sent compressed, up to the same limit', async () => {
    const index = server.files.get('charts/index.yaml') as Buffer;
    const answers: Record<string, Buffer> = {
      '/gzip/index.yaml': gzipSync(index),
      '/gzip-bomb/index.yaml': gzipSync(Buffer.alloc(maxIndexBytes + 1, '#')),
      '/gzip-broken/index.yaml': gzipSync(index).subarray(0, 100),
    };
    const asked: unknown[] = [];
    server.onRequest = (path, response) => {
      const body = answers[path];
      if (body === undefined) return false;
      asked.push(server.requests.at(-1)?.headers['accept-encoding']);
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
      return true;
    };
    const at = (name: string) => `${new URL(server.url).origin}/${name}`;
    const ready = await bed.ready(await bed.createHelm('gzip', { url: at('gzip') }));
    expect(ready.status?.artifact?.revision).toBe(`sha256:${sha256Hex(index)}`);
    const bomb = await bed.failed(
      await bed.createHelm('gz-bomb', { url: at('gzip-bomb') }),
      'Failed',
    );
    expect(conditionOf(bomb, 'Ready')?.message).toContain(`is over ${maxIndexBytes} bytes`);
    const broken = await bed.createHelm('gz-broken', { url: at('gzip-broken') });
    expect(conditionOf(await bed.failed(broken, 'Failed'), 'Ready')?.message).toContain('gzip');
    server.onRequest = undefined;
    expect(new Set(asked)).toEqual(new Set(['gzip']));
  });

  it('keeps the artifact when the server fails, and recovers', async () => {
    const object = await bed.createHelm('flaky', { url: server.url });
    const { artifact } = (await bed.ready(object)).status ?? {};
    server.onRequest = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    const failed = await bed.request(object);
    server.onRequest = undefined;
    expect(conditionOf(failed, 'Ready')?.reason).toBe('Failed');
    expect(failed.status?.artifact).toEqual(artifact);
    await download(artifact);
    await bed.ready(object);
  });

  it('stalls for an address that it cannot use', async () => {
    const object = await bed.createHelm('oci-default', { url: 'oci://example.com/charts' });
    const stalled = await bed.failed(object, 'URLInvalid');
    expect(conditionOf(stalled, 'Stalled')?.status).toBe('True');
  });
});

describe('a HelmRepository of type oci', () => {
  const isStatic = (o: { status?: object; metadata: { finalizers?: string[] } }) =>
    Object.keys(o.status ?? {}).length === 0 && (o.metadata.finalizers ?? []).length === 0;

  it('is a plain description, without status and finalizer', async () => {
    const object = await bed.createHelm('static', { type: 'oci', url: 'oci://example.com/charts' });
    await until(
      bed.client,
      resourceOf(helmRepositoryKind as KindDefinition),
      object.metadata,
      isStatic,
    );
  });

  it('drops what was there while it was of another type', async () => {
    const object = await bed.createHelm('becomes-static', { url: server.url });
    const { artifact } = (await bed.ready(object)).status ?? {};
    await bed.patchSpec(object, { type: 'oci', url: 'oci://example.com/charts' });
    await bed.until(object, isStatic);
    await expect(download(artifact)).rejects.toThrow('404');
  });
});

/** Nine levels of ten aliases each. */
function bomb(): string {
  const levels = ['a: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) {
    const inner = Array(10)
      .fill(`*a${level - 1}`)
      .join(', ');
    levels.push(`b${level}: &a${level} [${inner}]`);
  }
  return `apiVersion: v1\nentries: {}\n${levels.join('\n')}\n`;
}
