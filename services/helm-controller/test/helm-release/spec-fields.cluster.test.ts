import { type HelmChart, helmChartKind } from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { counterKind, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

test('the HelmChart gets every field of spec.chart', async () => {
  const fields = {
    chart: './charts/web',
    version: '1.x',
    sourceRef: { kind: 'GitRepository' as const, name: 'repo' },
    interval: '3m',
    reconcileStrategy: 'Revision' as const,
    valuesFiles: ['values.yaml', 'values-prod.yaml'],
    ignoreMissingValuesFiles: true,
  };
  const metadata = { labels: { team: 'a' }, annotations: { note: 'b' } };
  await bed.apply({ chartRef: undefined, chart: { metadata, spec: fields } }, 'every');
  const key = { namespace: bed.namespace, name: `${bed.namespace}-every` };
  const made = await until<HelmChart>(bed.client, resourceOf(helmChartKind), key, () => true);
  expect(made.spec).toEqual({ ...fields, interval: '3m0s' });
  expect(made.metadata).toMatchObject(metadata);
});

test('skipCRDs leaves the CRDs of a chart out', async () => {
  const { definition, resource } = counterKind(bed.namespace);
  await bed.publish(chart('1.0.0', { 'crds/counter.yaml': definition }), '1.0.0', 'skipped');
  const chartRef = { kind: 'ExternalArtifact', name: 'skipped' } as const;
  await bed.apply({ chartRef, install: { skipCRDs: true } }, 'skipped');
  await bed.ready('1.0.0', 'skipped');
  const name = `${resource.plural}.${resource.group}`;
  await expect(
    bed.client.get(coreResources.customResourceDefinitions, { name }),
  ).rejects.toMatchObject({ status: 404 });
});

test('the status tells what was attempted', async () => {
  await bed.publish(chart());
  await bed.apply({}, 'attempted');
  const object = await bed.ready('1.0.0', 'attempted');
  expect(object.status).toMatchObject({
    lastAttemptedGeneration: object.metadata.generation,
    lastAttemptedReleaseAction: 'install',
    lastAttemptedReleaseActionDuration: expect.stringMatching(/s$/),
    lastAttemptedRevision: '1.0.0',
  });
});
