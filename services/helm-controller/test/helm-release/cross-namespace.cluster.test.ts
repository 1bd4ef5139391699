import type { HelmReleaseSpec } from '@sluice/shared/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, conditionOf, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--no-cross-namespace-refs']);
  await bed.publish(chart());
});
afterAll(() => bed.stop());

const namespace = 'default';
const cases: { name: string; field: string; spec: Partial<HelmReleaseSpec> }[] = [
  {
    name: 'chart',
    field: 'spec.chart.spec.sourceRef',
    spec: {
      chartRef: undefined,
      chart: {
        spec: { chart: 'web', sourceRef: { kind: 'HelmRepository', name: 'x', namespace } },
      },
    },
  },
  {
    name: 'chart-ref',
    field: 'spec.chartRef',
    spec: { chartRef: { kind: 'OCIRepository', name: 'x', namespace } },
  },
  {
    name: 'values',
    field: 'spec.valuesFrom[0]',
    spec: {
      valuesFrom: [{ kind: 'GitRepository', name: 'x', namespace, path: 'v.yaml', optional: true }],
    },
  },
  {
    name: 'ready-expr',
    field: 'spec.dependsOn[0].readyExpr',
    spec: { dependsOn: [{ name: 'x', namespace, readyExpr: 'dep.status.secret' }] },
  },
  {
    name: 'object',
    field: 'spec.dependsOn[0]',
    spec: { dependsOn: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', namespace }] },
  },
];

test.for(cases)('what is in another namespace is refused: $name', async ({ name, field, spec }) => {
  await bed.apply(spec, name);
  const object = await bed.failed('AccessDenied', name);
  expect(conditionOf(object, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'AccessDenied',
  });
  expect(conditionOf(object)?.message).toContain(`of ${field}, cross-namespace references`);
});

test('sources in its own namespace may be named with it', async () => {
  const chartRef = { kind: 'ExternalArtifact', name: 'source', namespace: bed.namespace } as const;
  await bed.apply({ chartRef }, 'own');
  await bed.ready('1.0.0', 'own');
});
