import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HelmRepository } from '@sluice/shared/api';
import { type HelmServer, runHelm, startHelmServer, temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, download, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const login = { username: 'user', password: 'canary-1c77' };
const template =
  'kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: x\ndata:\n  size: "{{ .Values.size }}"\n';
const files = { 'templates/a.yaml': template, 'values-large.yaml': 'size: 9\n' };

let bed: SourceBed;
let server: HelmServer;
let closed: HelmServer;
let repository: HelmRepository;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  [bed, server, closed, folder] = await Promise.all([
    startSourceBed(),
    startHelmServer(),
    startHelmServer({ auth: login }),
    temporaryFolder('charts'),
  ]);
  for (const version of ['1.0.0', '1.2.0', '2.0.0', '3.0.0-rc.1', '1.1.0+b1']) {
    await server.publish({ name: 'app', version, files });
  }
  await closed.publish({ name: 'app', version: '1.0.0', files });
  await bed.createSecret('login', login);
  repository = await bed.ready(await bed.createHelm('repo', { url: server.url }));
});

afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  await Promise.all([bed?.stop(), server?.stop(), closed?.stop(), folder?.remove()]);
  expect(log).not.toContain(login.password);
});

const sourceRef = { kind: 'HelmRepository' as const, name: 'repo' };

async function rendered(content: Buffer, name: string): Promise<string> {
  const path = join(folder.path, `${name}.tgz`);
  await writeFile(path, content);
  return runHelm(['template', 'release', path], folder.path);
}

describe('a HelmChart of a HelmRepository', () => {
  it.each([
    { name: 'latest', version: undefined, expected: '2.0.0' },
    { name: 'range', version: '1.x', expected: '1.2.0' },
    { name: 'exact', version: '1.0.0', expected: '1.0.0' },
    { name: 'metadata', version: '1.1.0+b1', expected: '1.1.0+b1' },
    { name: 'pre-release', version: '>=2.0.0-0', expected: '3.0.0-rc.1' },
  ])('stores the package of the version as it is: $name', async ({ name, version, expected }) => {
    const spec = { chart: 'app', sourceRef, ...(version !== undefined && { version }) };
    const chart = await bed.ready(await bed.createChart(name, spec), expected);
    const { artifact, observedChartName, url } = chart.status ?? {};
    expect(artifact?.path).toBe(`helmchart/${bed.namespace}/${name}/app-${expected}.tgz`);
    expect(observedChartName).toBe('app');
    expect(url).toMatch(/\/latest\.tar\.gz$/);
    const content = await download(artifact);
    expect(content.equals(server.files.get(`charts/app-${expected}.tgz`) as Buffer)).toBe(true);
    expect(conditionOf(chart, 'Ready')).toMatchObject({
      reason: 'ChartPullSucceeded',
      message: `pulled 'app' chart with version '${expected}'`,
    });
    expect(await rendered(content, name)).toContain('size: "1"');
  });

  it('downloads nothing while the version stays, and follows the index at once', async () => {
    const chart = await bed.createChart('moving', { chart: 'moving', sourceRef });
    const missing = await bed.failed(chart, 'InvalidChartReference');
    expect(conditionOf(missing, 'Stalled')?.status).toBe('True');

    await server.publish({ name: 'moving', version: '0.1.0' });
    await bed.request(repository);
    await bed.ready(chart, '0.1.0');

    server.requests.length = 0;
    await bed.request(chart);
    expect(server.requests).toEqual([]);

    await server.publish({ name: 'moving', version: '0.2.0' });
    await bed.request(repository);
    await bed.ready(chart, '0.2.0');
  });

  it('merges values files into the package, the same bytes each time', async () => {
    const valuesFiles = ['values.yaml', 'values-large.yaml', 'missing.yaml'];
    const spec = { chart: 'app', version: '1.0.0', sourceRef, valuesFiles };
    const chart = await bed.createChart('values', spec);
    const failed = await bed.failed(chart, 'ValuesFilesError');
    expect(conditionOf(failed, 'BuildFailed')?.message).toContain("'missing.yaml'");
    expect(conditionOf(failed, 'Stalled')?.status).toBe('True');

    await bed.patchSpec(chart, { ignoreMissingValuesFiles: true });
    const ready = await bed.ready(chart, '1.0.0+2');
    expect(ready.status?.observedValuesFiles).toEqual(['values.yaml', 'values-large.yaml']);
    expect(conditionOf(ready, 'Ready')).toMatchObject({
      reason: 'ChartPackageSucceeded',
      message:
        "packaged 'app' chart with version '1.0.0+2' and merged values files [values.yaml values-large.yaml]",
    });
    const content = await download(ready.status?.artifact);
    expect(await filesOf(ready.status?.artifact)).toMatchObject({ 'app/values.yaml': 'size: 9\n' });
    expect(await rendered(content, 'values')).toContain('size: "9"');

    const same = await bed.createChart('values-again', spec);
    await bed.patchSpec(same, { ignoreMissingValuesFiles: true });
    const again = await bed.ready(same, '1.0.0+2');
    expect(again.status?.artifact?.digest).toBe(ready.status?.artifact?.digest);

    await bed.patchSpec(chart, { valuesFiles: null, ignoreMissingValuesFiles: null });
    const plain = await bed.ready(chart, '1.0.0');
    expect(plain.status?.observedValuesFiles).toBeUndefined();
  });

  it('waits for its source', async () => {
    const spec = { chart: 'app', sourceRef: { ...sourceRef, name: 'later' } };
    const chart = await bed.createChart('waits', spec);
    await bed.failed(chart, 'SourceUnavailable');
    await bed.createHelm('later', { url: server.url });
    await bed.ready(chart, '2.0.0');
  });

  it('is never made without the verification that was asked for', async () => {
    const spec = { chart: 'app', sourceRef, verify: { provider: 'cosign' as const } };
    const stalled = await bed.failed(await bed.createChart('verify', spec), 'VerificationError');
    expect(conditionOf(stalled, 'SourceVerified')?.status).toBe('False');
    const keys = { ...spec, verify: { ...spec.verify, secretRef: { name: 'keys' } } };
    const index = await bed.failed(await bed.createChart('index', keys), 'VerificationError');
    expect(conditionOf(index, 'Ready')?.message).toContain('a HelmRepository of type oci');
    expect(index.status?.artifact).toBeUndefined();
    expect(stalled.status?.artifact).toBeUndefined();
  });

  it('is made again when its file is lost, and stays as it was when the server is gone', async () => {
    const chart = await bed.createChart('lost', { chart: 'app', version: '1.0.0', sourceRef });
    const { artifact } = (await bed.ready(chart)).status ?? {};
    await writeFile(join(bed.storage, artifact?.path ?? ''), 'damaged');
    const rebuilt = await bed.request(chart);
    expect(rebuilt.status?.artifact?.digest).toBe(artifact?.digest);
    expect((await download(artifact)).equals(await download(rebuilt.status?.artifact))).toBe(true);
  });
});

describe('the storage', () => {
  it('may be lost with the process: index and chart are made again, with the same bytes', async () => {
    const chart = await bed.createChart('wiped', { chart: 'app', version: '1.0.0', sourceRef });
    const { artifact } = (await bed.ready(chart)).status ?? {};
    const index = (await bed.request(repository)).status?.artifact;
    const content = await download(artifact);

    await bed.process.kill();
    await rm(bed.storage, { recursive: true });
    await bed.process.start();
    const again = await bed.request(repository);
    const rebuilt = await bed.request(chart);
    expect(again.status?.artifact?.digest).toBe(index?.digest);
    expect((await download(rebuilt.status?.artifact)).equals(content)).toBe(true);
    await bed.ready(rebuilt, '1.0.0');
  });
});

describe('credentials of a HelmRepository', () => {
  it('go along with its charts', async () => {
    await bed.createHelm('closed', { url: closed.url, secretRef: { name: 'login' } });
    const spec = { chart: 'app', sourceRef: { ...sourceRef, name: 'closed' } };
    await bed.ready(await bed.createChart('closed', spec));
  });

  it.each([
    { name: 'strangers', passCredentials: false, reason: 'AuthenticationFailed' },
    { name: 'strangers-too', passCredentials: true, reason: undefined },
  ])('go to other hosts only when told: $name', async ({ name, passCredentials, reason }) => {
    const own = await startHelmServer({ auth: login });
    try {
      await own.publish({ name: 'app', version: '1.0.0', files });
      const index = own.files.get('charts/index.yaml')?.toString('utf8') ?? '';
      const elsewhere = `${new URL(closed.url).origin}/${name}/app.tgz`;
      const moved = index.replace('- app-1.0.0.tgz', `- ${elsewhere}`);
      own.files.set('charts/index.yaml', Buffer.from(moved));
      closed.files.set(`${name}/app.tgz`, own.files.get('charts/app-1.0.0.tgz') as Buffer);
      const spec = { url: own.url, secretRef: { name: 'login' }, passCredentials };
      await bed.ready(await bed.createHelm(name, spec));
      const chart = await bed.createChart(name, {
        chart: 'app',
        sourceRef: { ...sourceRef, name },
      });
      if (reason === undefined) await bed.ready(chart);
      else await bed.failed(chart, reason);
      const asked = closed.requests.filter(({ path }) => path === `/${name}/app.tgz`);
      const sent = asked.map(({ headers }) => headers.authorization !== undefined);
      expect(new Set(sent)).toEqual(new Set([passCredentials]));
    } finally {
      await own.stop();
    }
  });

  it('do not follow a redirect to another host', async () => {
    const own = await startHelmServer();
    try {
      await own.publish({ name: 'app', version: '1.0.0', files });
      own.onRequest = (path, response) => {
        if (!path.endsWith('.tgz')) return false;
        response.writeHead(302, { location: `${closed.url}/app-1.0.0.tgz?redirected` }).end();
        return true;
      };
      await bed.createHelm('redirect', { url: own.url, secretRef: { name: 'login' } });
      const spec = { chart: 'app', sourceRef: { ...sourceRef, name: 'redirect' } };
      await bed.failed(await bed.createChart('redirect', spec), 'AuthenticationFailed');
      const asked = closed.requests.filter(({ path }) => path.endsWith('?redirected'));
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.every(({ headers }) => !headers.authorization)).toBe(true);
    } finally {
      await own.stop();
    }
  });
});
