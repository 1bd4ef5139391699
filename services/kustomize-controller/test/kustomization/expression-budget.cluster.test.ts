import type { KubeObject } from '@sluice/shared/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, conditionOf, configMap, kustomizations, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--concurrent=1']);
});
afterAll(() => bed.stop());

const sourceOf = (name: string) => ({ kind: 'ExternalArtifact' as const, name });
const nested = 'data.all(a, data.all(b, data.all(c, a != "")))';
const manyKeys = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key-${i}`, 'x']));

async function victimIsReady(name: string): Promise<void> {
  await bed.publish({ 'a.yaml': configMap(name) }, 'r1', name);
  await bed.apply({ sourceRef: sourceOf(name) }, name);
  await bed.ready('r1', name);
}

test('a health expression of a thousand million steps delays nobody', async () => {
  await bed.publish({ 'a.yaml': configMap('keys', manyKeys) }, 'r1', 'nested');
  await bed.apply(
    {
      sourceRef: sourceOf('nested'),
      wait: true,
      timeout: '5m',
      healthCheckExprs: [{ apiVersion: 'v1', kind: 'ConfigMap', failed: nested, current: nested }],
    },
    'nested',
  );
  await bed.when((o) => conditionOf(o, 'Healthy')?.status === 'Unknown', 'nested');
  await victimIsReady('beside-nested');
  const waiting = await bed.when(() => true, 'nested');
  expect(conditionOf(waiting, 'Healthy')?.status).toBe('Unknown');

  await bed.patch({ timeout: '1s' }, 'nested');
  const failed = await bed.failed('HealthCheckFailed', 'nested');
  expect(conditionOf(failed)?.message).toContain('costs more than one evaluation may');
});

test('a costly readyExpr delays its own object alone', async () => {
  await bed.client.patch<KubeObject>(
    kustomizations,
    { namespace: bed.namespace, name: 'nested' },
    { metadata: { annotations: manyKeys }, spec: { timeout: '5m' } },
    { type: 'merge', fieldManager: 'test' },
  );
  const readyExpr = nested.replaceAll('data.', 'dep.metadata.annotations.');
  await bed.apply(
    { sourceRef: sourceOf('nested'), dependsOn: [{ name: 'nested', readyExpr }] },
    'costly-dependant',
  );
  await bed.failed('DependencyNotReady', 'costly-dependant');
  await victimIsReady('beside-dependant');
});

test('an expression that is estimated to cost too much is refused, with its field', async () => {
  const current = `data.all(d, ${nested})`;
  await bed.publish({ 'a.yaml': configMap('four') }, 'r1', 'four');
  await bed.apply(
    { sourceRef: sourceOf('four'), wait: true, healthCheckExprs: [{ apiVersion: 'v1', current }] },
    'four',
  );
  const stalled = await bed.failed('InvalidCELExpression', 'four');
  expect(conditionOf(stalled)?.message).toMatch(
    /^spec\.healthCheckExprs\[0\]\.current is no valid CEL expression: it may cost too much/,
  );
});

test.each([
  {
    name: 'a value within itself',
    substitute: { v: 'x'.repeat(10_000) },
    data: { text: '${v//x/${v}}' },
    message: /more than 8000000 steps at '\$\{v\/\/…\}' \(line \d+ of the object\)/,
  },
  {
    name: 'aliases in a value',
    substitute: {
      v: `{a0: &a0 [${'x, '.repeat(20)}], ${[1, 2, 3, 4, 5].map((i) => `a${i}: &a${i} [${`*a${i - 1}, `.repeat(20)}]`).join(', ')}}`,
    },
    data: { text: '${v}' },
    message: /the result is not valid YAML|aliases stand for more than/,
  },
])('a substitution that explodes fails alone: $name', async ({ substitute, data, message }) => {
  const name = `explodes-${Object.keys(substitute).length}-${substitute.v.length}`;
  await bed.publish({ 'a.yaml': configMap(name, data) }, 'r1', name);
  await bed.apply({ sourceRef: sourceOf(name), postBuild: { substitute } }, name);
  const failed = await bed.failed('BuildFailed', name);
  expect(conditionOf(failed)?.message).toMatch(message);
  expect(conditionOf(failed)?.message).not.toMatch(/xxx|x, x/);
  await victimIsReady(`beside-${name}`);
});
