import { sha256Hex } from '@sluice/shared/base';
import { type Registry, startRegistry } from '@sluice/testing';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarGz } from '../archives.ts';
import { conditionOf, download, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const fluxLayer = 'application/vnd.cncf.flux.content.v1.tar+gzip';
const chartLayer = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const annotations = {
  'org.opencontainers.image.revision': 'main@sha1:abc',
  'org.opencontainers.image.source': 'https://example.com/app',
};

let bed: SourceBed;
let registry: Registry;
const url = () => `${registry.ociUrl}/org/app`;

async function push(tag: string, text: string): Promise<string> {
  const data = tarGz([
    { path: './deploy/a.yaml', content: text },
    { path: './run.sh', content: 'echo', mode: 0o755 },
    { path: './link', linkpath: '/etc/passwd' },
    { path: './logo.png', content: 'picture' },
  ]);
  const layers = [{ mediaType: fluxLayer, data }];
  const configMediaType = 'application/vnd.cncf.flux.config.v1+json';
  return registry.pushArtifact({
    repository: 'org/app',
    tag,
    layers,
    annotations,
    configMediaType,
  });
}

beforeAll(async () => {
  [bed, registry] = await Promise.all([startSourceBed(), startRegistry()]);
});

afterAll(async () => {
  await bed?.stop();
  await registry?.stop();
});

describe('an OCIRepository', () => {
  it('follows a tag, and takes neither manifest nor layer while its digest stays', async () => {
    const one = await push('latest', 'a: 1\n');
    const object = await bed.createOci('tag', { url: url(), insecure: true });
    const ready = await bed.ready(object, `latest@${one}`);
    const { artifact } = ready.status ?? {};
    expect(artifact?.path).toBe(
      `ocirepository/${bed.namespace}/tag/${one.slice('sha256:'.length)}.tar.gz`,
    );
    expect(artifact?.metadata).toEqual(annotations);
    expect(await filesOf(artifact)).toEqual({ 'deploy/a.yaml': 'a: 1\n', 'run.sh': 'echo' });

    registry.requests.length = 0;
    await bed.request(object);
    expect(registry.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'HEAD /v2/org/app/manifests/latest',
    ]);

    const two = await push('latest', 'a: 2\n');
    await bed.request(object);
    const moved = await bed.ready(object, `latest@${two}`);
    expect(await filesOf(moved.status?.artifact)).toMatchObject({ 'deploy/a.yaml': 'a: 2\n' });
    const latest = await request(moved.status?.url ?? '');
    expect(sha256Hex(Buffer.from(await latest.body.arrayBuffer()))).toBe(
      moved.status?.artifact?.digest.slice('sha256:'.length),
    );
  });

  it('gives equal content the same digest, whoever packed it and whatever its tag', async () => {
    await push('same-1', 'same\n');
    await push('same-2', 'same\n');
    const spec = { url: url(), insecure: true };
    const one = await bed.createOci('same-1', { ...spec, ref: { tag: 'same-1' } });
    const two = await bed.createOci('same-2', { ...spec, ref: { tag: 'same-2' } });
    const digest = (await bed.ready(one)).status?.artifact?.digest;
    expect((await bed.ready(two)).status?.artifact?.digest).toBe(digest);
  });

  it('takes the highest version in a range, filtered by a regular expression', async () => {
    await push('1.0.0', '1.0.0');
    const digest = await push('1.2.0', '1.2.0');
    const candidate = await push('1.3.0-rc.1', 'rc');
    await push('2.0.0', '2.0.0');
    const spec = { url: url(), insecure: true };

    const range = await bed.createOci('semver', { ...spec, ref: { semver: '1.x' } });
    const ref = { semver: '>= 1.0.0-0', semverFilter: '.*-rc.*' };
    const filtered = await bed.createOci('semver-filter', { ...spec, ref });

    await bed.ready(range, `1.2.0@${digest}`);
    await bed.ready(filtered, `1.3.0-rc.1@${candidate}`);
  });

  it('takes a digest, without the tag', async () => {
    const digest = await push('pinned', 'pinned');
    const object = await bed.createOci('digest', {
      url: url(),
      insecure: true,
      ref: { digest, tag: 'none' },
    });
    await bed.ready(object, digest);
  });

  it('selects a layer by media type, and copies it as it is when told', async () => {
    const chart = tarGz([{ path: 'chart/Chart.yaml', content: 'name: chart\n' }]);
    await registry.pushArtifact({
      repository: 'org/app',
      tag: 'layers',
      layers: [
        { mediaType: fluxLayer, data: tarGz([{ path: 'other', content: 'x' }]) },
        { mediaType: chartLayer, data: chart },
      ],
    });
    const spec = { url: url(), insecure: true, ref: { tag: 'layers' } };
    const copy = { mediaType: chartLayer, operation: 'copy' as const };

    const object = await bed.createOci('layer', { ...spec, layerSelector: copy });
    const copied = await bed.ready(object);
    expect((await download(copied.status?.artifact)).equals(chart)).toBe(true);
    expect(copied.status?.artifact?.digest).toBe(`sha256:${sha256Hex(chart)}`);
    expect(copied.status?.observedLayerSelector).toEqual(copy);

    await bed.patchSpec(object, { layerSelector: { ...copy, operation: 'extract' } });
    const extracted = await bed.until(
      object,
      (o) => o.status?.observedLayerSelector?.operation === 'extract',
    );
    expect(await filesOf(extracted.status?.artifact)).toEqual({
      'chart/Chart.yaml': 'name: chart\n',
    });

    const none = { ...spec, layerSelector: { mediaType: 'application/x-none' } };
    const missing = await bed.createOci('no-layer', none);
    const failed = await bed.failed(missing, 'OCIArtifactLayerOperationFailed');
    expect(conditionOf(failed, 'FetchFailed')?.message).toContain('application/x-none');
  });

  it('leaves out what spec.ignore says, and is made again when that changes', async () => {
    const digest = await push('ignore', 'i: 1\n');
    const spec = { url: url(), insecure: true, ref: { tag: 'ignore' } };
    const object = await bed.createOci('ignore', { ...spec, ignore: '/*\n!/run.sh\n' });
    const ready = await bed.ready(object, `ignore@${digest}`);
    expect(await filesOf(ready.status?.artifact)).toEqual({ 'run.sh': 'echo' });
    await bed.patchSpec(object, { ignore: '*.sh' });
    const again = await bed.until(object, (o) => o.status?.observedIgnore === '*.sh');
    expect(await filesOf(again.status?.artifact)).toEqual({
      'deploy/a.yaml': 'i: 1\n',
      'logo.png': 'picture',
    });
  });

  it('gives up after spec.timeout', async () => {
    await push('slow', 's: 1\n');
    registry.onRequest = ({ path }) => path.endsWith('/manifests/slow');
    const spec = { url: url(), insecure: true, ref: { tag: 'slow' }, timeout: '1s' };
    const object = await bed.createOci('slow', spec);
    const failed = await bed.failed(object, 'OCIArtifactPullFailed');
    registry.onRequest = undefined;
    expect(conditionOf(failed, 'Ready')?.message).toContain('the limit of spec.timeout');
    await bed.ready(object);
  });

  it('refuses a layer that would leave its directory, and keeps the old artifact', async () => {
    const digest = await push('turns-evil', 'good\n');
    const spec = { url: url(), insecure: true, ref: { tag: 'turns-evil' } };
    const object = await bed.createOci('evil', spec);
    const ready = await bed.ready(object, `turns-evil@${digest}`);

    const data = tarGz([{ path: '../../evil', content: 'x' }]);
    const layers = [{ mediaType: fluxLayer, data }];
    await registry.pushArtifact({ repository: 'org/app', tag: 'turns-evil', layers });
    await bed.request(object);

    const failed = await bed.failed(object, 'OCIArtifactLayerOperationFailed');
    expect(failed.status?.artifact).toEqual(ready.status?.artifact);
  });
});
