import {
  type Artifact,
  type HelmChart,
  type HelmReleaseSpec,
  helmChartKind,
} from '@sluice/shared/api';
import { type ObjectKey, resourceOf } from '@sluice/shared/kube';
import { until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, chart, conditionOf, startBed } from './harness.ts';

const helmCharts = resourceOf(helmChartKind);

let bed: Bed;
const charts: Record<string, Artifact> = {};
beforeAll(async () => {
  // What is waited for has to bring it back, not the timer.
  bed = await startBed();
  for (const version of ['1.0.0', '2.0.0'])
    charts[version] = await bed.publish(chart(version), version, `v${version[0]}`);
});
afterAll(() => bed.stop());

const keyOf = (name: string): ObjectKey => ({
  namespace: bed.namespace,
  name: `${bed.namespace}-${name}`,
});

/** Does what source-controller does once it has packaged the chart as it is asked for. */
async function provide(key: ObjectKey, version: string, generation: number): Promise<HelmChart> {
  const { metadata } = await until<HelmChart>(
    bed.client,
    helmCharts,
    key,
    (o) => o.metadata.generation === generation,
  );
  const conditions = [
    {
      type: 'Ready',
      status: 'True',
      reason: 'ChartPullSucceeded',
      message: 'pulled',
      lastTransitionTime: new Date().toISOString(),
    },
  ];
  const artifact = charts[version];
  const status = { observedGeneration: metadata.generation, artifact, conditions };
  const options = { type: 'merge', subresource: 'status' } as const;
  return bed.client.patch<HelmChart>(helmCharts, key, { status }, options);
}

const spec = (
  more: Partial<NonNullable<HelmReleaseSpec['chart']>['spec']> = {},
): Partial<HelmReleaseSpec> => ({
  chartRef: undefined,
  chart: {
    metadata: { labels: { team: 'a' }, annotations: { note: 'b' } },
    spec: {
      chart: 'web',
      version: '1.x',
      sourceRef: { kind: 'HelmRepository', name: 'repo' },
      ...more,
    },
  },
});

test('the HelmChart has to be signed as spec.chart.spec.verify says', async () => {
  const verify = { provider: 'cosign' as const, secretRef: { name: 'keys' } };
  await bed.apply(spec({ verify }), 'signed');
  const made = await until<HelmChart>(bed.client, helmCharts, keyOf('signed'), () => true);
  expect(made.spec.verify).toEqual(verify);
  await bed.patch(
    spec({ verify: { provider: 'notation', secretRef: { name: 'trust' } } }),
    'signed',
  );
  await until<HelmChart>(
    bed.client,
    helmCharts,
    keyOf('signed'),
    (o) => o.spec.verify?.provider === 'notation',
  );
});

test('spec.chart makes a HelmChart, and a release once that has its artifact', async () => {
  await bed.apply(spec(), 'app');
  await bed.failed('SourceNotReady');
  const made = await provide(keyOf('app'), '1.0.0', 1);
  expect(made).toMatchObject({
    metadata: {
      labels: {
        team: 'a',
        'helm.toolkit.fluxcd.io/name': 'app',
        'helm.toolkit.fluxcd.io/namespace': bed.namespace,
      },
      annotations: { note: 'b' },
    },
    spec: {
      chart: 'web',
      version: '1.x',
      // As Flux writes it: neither rewrites the HelmCharts of the other.
      interval: '10m0s',
      sourceRef: { kind: 'HelmRepository', name: 'repo' },
    },
  });
  const object = await bed.ready('1.0.0');
  expect(object.status?.helmChart).toBe(`${bed.namespace}/${bed.namespace}-app`);
});

test('a chart that cannot be had says why as soon as that is known', async () => {
  await bed.apply(spec({ chart: 'absent' }), 'absent');
  const { metadata } = await until<HelmChart>(bed.client, helmCharts, keyOf('absent'), () => true);
  const message = "no 'absent' chart found in the index";
  const conditions = [
    {
      type: 'Stalled',
      status: 'True',
      reason: 'InvalidChartReference',
      message,
      lastTransitionTime: new Date().toISOString(),
    },
  ];
  await bed.failed('SourceNotReady', 'absent');
  const status = { observedGeneration: metadata.generation, conditions };
  const options = { type: 'merge', subresource: 'status' } as const;
  await bed.client.patch(helmCharts, keyOf('absent'), { status }, options);
  await bed.when((object) => conditionOf(object)?.message.includes(message) ?? false, 'absent');
});

test('a change of it is released only with the artifact that was made of it', async () => {
  await bed.patch({ ...spec({ version: '2.x' }), values: { text: 'two' } });
  await bed.when(({ metadata, ...o }) => {
    const ready = conditionOf({ metadata, ...o });
    return ready?.observedGeneration === metadata.generation && ready?.status === 'False';
  });
  expect(conditionOf(await bed.get())?.message).toContain('its latest change is not reconciled');
  await provide(keyOf('app'), '2.0.0', 2);
  const object = await bed.ready('2.0.0');
  expect(object.status?.history).toMatchObject([
    { version: 2, chartVersion: '2.0.0' },
    { version: 1, chartVersion: '1.0.0' },
  ]);
});

test('a change that makes no new artifact is waited for as well', async () => {
  await bed.patch(spec({ version: '2.x', interval: '1h' }));
  const made = await provide(keyOf('app'), '2.0.0', 3);
  expect(made.spec.interval).toBe('1h0m0s');
  const object = await bed.ready('2.0.0');
  expect(object.status?.history?.[0]?.version).toBe(2);
});

test('what somebody else changes in the HelmChart is brought back', async () => {
  await bed.client.patch(helmCharts, keyOf('app'), { spec: { version: '9.x' } }, { type: 'merge' });
  // The controller's watch may hear of it after the request.
  await vi.waitFor(
    async () => {
      await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': `${Date.now()}` });
      const { spec } = await bed.client.get<HelmChart>(helmCharts, keyOf('app'));
      expect(spec.version).toBe('2.x');
    },
    { timeout: 60_000, interval: 500 },
  );
  const made = await provide(keyOf('app'), '2.0.0', 5);
  expect(made.spec.version).toBe('2.x');
  await bed.ready('2.0.0');
});

test('the HelmChart goes when the release takes its chart elsewhere, and comes back with spec.chart', async () => {
  const { client, namespace } = bed;
  const chartRef = { kind: 'ExternalArtifact', name: 'v2' } as const;
  const asMerge = (one: object) => one as Partial<HelmReleaseSpec>;
  await bed.patch(asMerge({ chart: null, chartRef }));
  await untilGone(client, helmCharts, keyOf('app'));
  const moved = await bed.ready('2.0.0');
  expect(moved.status).not.toHaveProperty('helmChart');
  expect(moved.status?.history?.[0]?.version).toBe(2);

  await bed.patch(asMerge({ ...spec({ version: '1.x' }), chartRef: null }));
  await provide(keyOf('app'), '1.0.0', 1);
  await bed.ready('1.0.0');
  await bed.remove();
  await expect(client.get(helmCharts, keyOf('app'))).rejects.toMatchObject({ status: 404 });
  expect(JSON.parse(await bed.helm('ls', '-n', namespace, '-o', 'json'))).toEqual([]);
});

test('a HelmRepository in another namespace gets the HelmChart there', async () => {
  const { namespace } = bed;
  const sourceRef = { kind: 'HelmRepository', name: 'repo', namespace: 'default' } as const;
  await bed.apply(spec({ sourceRef }), 'elsewhere');
  const key = { namespace: 'default', name: `${namespace}-elsewhere` };
  await provide(key, '1.0.0', 1);
  await bed.ready('1.0.0', 'elsewhere');
  await bed.remove('elsewhere');
  await untilGone(bed.client, helmCharts, key);
});
