import { type ExternalArtifact, externalArtifactKind, type KubeObject } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Call, wrapped } from '../action/wrapped-client.ts';
import { type Bed, chart, configMaps, startBed } from './harness.ts';

const externalArtifacts = resourceOf(externalArtifactKind);

type ConfigMap = KubeObject & { data?: Record<string, string> };

let bed: Bed;
let calls: Call[] = [];
beforeAll(async () => {
  const before = (call: Call) => calls.push(call);
  bed = await startBed([], { wrap: (client) => wrapped(client, { before }) });
  await bed.publish(chart());
});
afterAll(() => bed.stop());

const renderings = () => bed.metric('sluice_helm_renderings_total');
const interval = '100ms';

/** Waits for so many reconciles that have found nothing to do. */
async function unchangedTimes(count: number): Promise<void> {
  const before = await bed.metric('sluice_helm_unchanged_total');
  await vi.waitFor(
    async () =>
      expect(await bed.metric('sluice_helm_unchanged_total')).toBeGreaterThanOrEqual(
        before + count,
      ),
    { timeout: 60_000 },
  );
}

/** Waits for a few requests more. */
async function severalCalls(): Promise<void> {
  calls = [];
  await vi.waitFor(() => expect(calls.length).toBeGreaterThan(2), { timeout: 60_000 });
}

test('a reconcile without changes starts no program and sends no request', async () => {
  await bed.apply({ interval, driftDetection: { mode: 'enabled' } });
  await bed.ready('1.0.0');
  // The watches may have told only now what was installed.
  await unchangedTimes(1);
  const rendered = await renderings();
  calls = [];
  await unchangedTimes(3);
  expect(await renderings()).toBe(rendered);
  expect(calls).toEqual([]);
  await bed.remove();
});

test('with values from elsewhere only these are read, and a change of them is found', async () => {
  const { client, namespace } = bed;
  const key = { namespace, name: 'settings' };
  const write = (text: string) => ({ data: { 'values.yaml': `text: ${text}` } });
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key, ...write('one') };
  await client.create(configMaps, object as KubeObject);
  await bed.apply({ interval, valuesFrom: [{ kind: 'ConfigMap', name: 'settings' }] }, 'valued');
  await bed.ready('1.0.0', 'valued');
  // The watches may have told only now what was installed.
  await severalCalls();
  const rendered = await renderings();
  await severalCalls();
  expect(new Set(calls)).toEqual(new Set(['get ConfigMap/settings']));
  expect(await renderings()).toBe(rendered);
  await client.patch(configMaps, key, write('two'), { type: 'merge' });
  const released = { namespace, name: 'valued' };
  await until<ConfigMap>(client, configMaps, released, (o) => o.data?.['text'] === 'two');
});

test('a release whose source was lost for a while is Ready again when the same chart is back', async () => {
  const { client, namespace } = bed;
  await bed.apply({}, 'faithful');
  await bed.ready('1.0.0', 'faithful');
  const key = { namespace, name: 'source' };
  const { status } = await client.get<ExternalArtifact>(externalArtifacts, key);
  const options = { type: 'merge', subresource: 'status' } as const;
  await client.patch(externalArtifacts, key, { status: { artifact: null } }, options);
  await bed.failed('SourceNotReady', 'faithful');
  await client.patch(externalArtifacts, key, { status }, options);
  const { status: released } = await bed.ready('1.0.0', 'faithful');
  expect(released?.history?.map(({ version }) => version)).toEqual([1]);
});
