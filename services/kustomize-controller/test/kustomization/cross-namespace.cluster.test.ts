import type { KustomizationSpec } from '@sluice/shared/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, conditionOf, configMap, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--no-cross-namespace-refs']);
  await bed.publish({ 'a.yaml': configMap('a') }, 'r1');
});
afterAll(() => bed.stop());

const namespace = 'default';
const cases: { name: string; field: string; spec: Partial<KustomizationSpec> }[] = [
  {
    name: 'source',
    field: 'spec.sourceRef',
    spec: { sourceRef: { kind: 'GitRepository', name: 'x', namespace } },
  },
  {
    name: 'ready-expr',
    field: 'spec.dependsOn[0].readyExpr',
    spec: { dependsOn: [{ name: 'x', namespace, readyExpr: "dep.spec.path == './secret'" }] },
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

test('an expression may look into objects of its own namespace', async () => {
  await bed.apply({}, 'base');
  await bed.ready('r1', 'base');
  const readyExpr = "dep.metadata.name == 'base'";
  const dependsOn = [{ name: 'base', namespace: bed.namespace, readyExpr }];
  await bed.apply({ dependsOn }, 'above');
  await bed.ready('r1', 'above');
});
