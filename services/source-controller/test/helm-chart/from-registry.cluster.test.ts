import { type Registry, startHelmServer, startRegistry } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, download, type SourceBed, startSourceBed } from '../source-bed.ts';

const login = { username: 'user', password: 'canary-4be0' };
const chartType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

let bed: SourceBed;
let registry: Registry;
let closed: Registry;
const packages = new Map<string, Buffer>();

async function push(to: Registry, version: string, mediaType = chartType): Promise<void> {
  const data = packages.get(version) as Buffer;
  await to.pushArtifact({
    repository: 'charts/app',
    tag: version.replaceAll('+', '_'),
    layers: [{ mediaType, data }],
    configMediaType: 'application/vnd.cncf.helm.config.v1+json',
    config: JSON.stringify({ name: 'app', version, apiVersion: 'v2' }),
  });
}

beforeAll(async () => {
  [bed, registry, closed] = await Promise.all([
    startSourceBed(),
    startRegistry(),
    startRegistry({ auth: { ...login, via: 'token' } }),
  ]);
  const maker = await startHelmServer();
  for (const version of ['1.0.0', '1.1.0+build.2', '2.0.0-rc.1']) {
    await maker.publish({ name: 'app', version });
    packages.set(version, maker.files.get(`charts/app-${version}.tgz`) as Buffer);
    await push(registry, version);
    await push(closed, version);
  }
  await maker.stop();
  const spec = { type: 'oci' as const, insecure: true };
  await bed.createHelm('oci', { ...spec, url: `${registry.ociUrl}/charts` });
});

afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  await Promise.all([bed?.stop(), registry?.stop(), closed?.stop()]);
  expect(log).not.toContain(login.password);
});

const sourceRef = { kind: 'HelmRepository' as const, name: 'oci' };

describe('a HelmChart of a HelmRepository of type oci', () => {
  it.each([
    { name: 'any', version: undefined, expected: '1.1.0+build.2' },
    { name: 'range', version: '>=2.0.0-0', expected: '2.0.0-rc.1' },
    { name: 'exact', version: '1.0.0', expected: '1.0.0' },
    { name: 'metadata', version: '1.1.0+build.2', expected: '1.1.0+build.2' },
  ])('finds the version among the tags: $name', async ({ name, version, expected }) => {
    const spec = { chart: 'app', sourceRef, ...(version !== undefined && { version }) };
    const chart = await bed.ready(await bed.createChart(name, spec), expected);
    const { artifact, observedSourceArtifactRevision } = chart.status ?? {};
    expect(artifact?.path).toBe(`helmchart/${bed.namespace}/${name}/app-${expected}.tgz`);
    expect((await download(artifact)).equals(packages.get(expected) as Buffer)).toBe(true);
    expect(observedSourceArtifactRevision).toBeUndefined();
  });

  it('asks the registry nothing while a complete version is stored', async () => {
    const spec = { chart: 'app', version: '1.0.0', sourceRef };
    const chart = await bed.ready(await bed.createChart('quiet', spec));
    registry.requests.length = 0;
    await bed.request(chart);
    expect(registry.requests).toEqual([]);
  });

  it.each([
    {
      name: 'login',
      type: undefined,
      secret: () => login as Record<string, string>,
    },
    {
      name: 'docker',
      type: 'kubernetes.io/dockerconfigjson',
      secret: () => ({ '.dockerconfigjson': JSON.stringify({ auths: { [closed.host]: login } }) }),
    },
  ])('logs in with a Secret of the kind: $name', async ({ name, type, secret }) => {
    const spec = { type: 'oci' as const, insecure: true, url: `${closed.ociUrl}/charts` };
    await bed.createHelm(`${name}-anonymous`, spec);
    const ref = { ...sourceRef, name: `${name}-anonymous` };
    const refused = await bed.createChart(`${name}-anonymous`, { chart: 'app', sourceRef: ref });
    await bed.failed(refused, 'AuthenticationFailed');

    await bed.createSecret(name, secret(), type);
    await bed.createHelm(name, { ...spec, secretRef: { name } });
    await bed.ready(
      await bed.createChart(name, { chart: 'app', sourceRef: { ...sourceRef, name } }),
      '1.1.0+build.2',
    );
  });

  it('tries again when the spec of the repository changes', async () => {
    const spec = { type: 'oci' as const, insecure: true };
    const repo = await bed.createHelm('moves', { ...spec, url: `${registry.ociUrl}/nowhere` });
    const chart = await bed.createChart('moves', {
      chart: 'app',
      version: '1.0.0',
      sourceRef: { ...sourceRef, name: 'moves' },
    });
    const failed = await bed.failed(chart, 'ChartPullError');
    expect(conditionOf(failed, 'FetchFailed')?.message).toContain('manifests/1.0.0: not found');
    await bed.patchSpec(repo, { url: `${registry.ociUrl}/charts` });
    await bed.ready(chart, '1.0.0');
  });

  it('refuses what is no chart, and registries that are not of the provider', async () => {
    packages.set('9.0.0', Buffer.from('x'));
    await push(registry, '9.0.0', 'application/octet-stream');
    const other = await bed.createChart('other', { chart: 'app', version: '9.0.0', sourceRef });
    const failed = await bed.failed(other, 'ChartPullError');
    expect(conditionOf(failed, 'Ready')?.message).toContain('no layer with a chart');

    const spec = {
      type: 'oci' as const,
      url: `${registry.ociUrl}/charts`,
      provider: 'aws' as const,
    };
    await bed.createHelm('aws', spec);
    const ref = { ...sourceRef, name: 'aws' };
    const elsewhere = await bed.createChart('aws', { chart: 'app', sourceRef: ref });
    const refused = await bed.failed(elsewhere, 'AuthenticationFailed');
    expect(conditionOf(refused, 'Ready')?.message).toContain('is no registry of AWS');

    const google = { type: 'oci', url: 'oci://gcr.io/charts', provider: 'gcp' } as const;
    await bed.createHelm('plain', { ...google, insecure: true });
    const plain = { chart: 'app', sourceRef: { ...sourceRef, name: 'plain' } };
    const exposed = await bed.failed(await bed.createChart('plain', plain), 'AuthenticationFailed');
    expect(conditionOf(exposed, 'Ready')?.message).toContain(
      "the controller's identity is not used with spec.insecure",
    );
  });
});
