import { gitRepositoryKind, type KindDefinition, type KubeObject } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, conditionOf, configMap, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  // No timer helps here.
  bed = await startBed();
});
afterAll(() => bed.stop());

const sourceRef = { kind: 'ExternalArtifact' as const, name: 'source' };

test('a dependant is applied as soon as its dependency has applied the same revision', async () => {
  await bed.publish({ 'base/a.yaml': configMap('base'), 'app/b.yaml': configMap('app') }, 'r1');
  await bed.apply({ sourceRef, path: 'app', dependsOn: [{ name: 'base' }] }, 'app');
  const waiting = await bed.failed('DependencyNotReady', 'app');
  expect(conditionOf(waiting)?.message).toBe(
    `dependency '${bed.namespace}/base' not found (spec.dependsOn[0]): create it`,
  );
  await bed.apply({ sourceRef, path: 'base' }, 'base');
  await bed.ready('r1', 'app');

  await bed.publish({ 'base/a.yaml': '}', 'app/b.yaml': configMap('app2') }, 'r2');
  await bed.failed('BuildFailed', 'base');
  const shown = `dependency '${bed.namespace}/base' is not ready: it is not ready (BuildFailed): `;
  const blocked = await bed.when((o) => conditionOf(o)?.message.includes(shown) === true, 'app');
  expect(conditionOf(blocked)?.reason).toBe('DependencyNotReady');
  expect(blocked.status?.lastAppliedRevision).toBe('r1');

  await bed.publish({ 'base/a.yaml': configMap('base'), 'app/b.yaml': configMap('app2') }, 'r3');
  await bed.ready('r3', 'app');
});

test('a cycle is named', async () => {
  await bed.publish({ 'a.yaml': configMap('x') }, 'c1', 'cycle');
  const spec = { sourceRef: { kind: 'ExternalArtifact' as const, name: 'cycle' } };
  await bed.apply({ ...spec, dependsOn: [{ name: 'two' }] }, 'one');
  await bed.apply({ ...spec, dependsOn: [{ name: 'one' }] }, 'two');
  const { namespace } = bed;
  const object = await bed.when((o) => conditionOf(o)?.message.includes('cycle') === true, 'two');
  expect(conditionOf(object)?.message).toContain(
    `${namespace}/two → ${namespace}/one → ${namespace}/two`,
  );
});

test('readyExpr replaces the check, and a wrong one stalls', async () => {
  await bed.publish({ 'a.yaml': '}' }, 'e1', 'broken');
  await bed.publish({ 'a.yaml': configMap('expr') }, 'e1', 'expr');
  const broken = { kind: 'ExternalArtifact' as const, name: 'broken' };
  const expr = { kind: 'ExternalArtifact' as const, name: 'expr' };
  await bed.apply({ sourceRef: broken, suspend: false }, 'never-ready');
  await bed.failed('BuildFailed', 'never-ready');
  const readyExpr = "dep.spec.interval == '10m' && dep.metadata.name != self.metadata.name";
  await bed.apply({ sourceRef: expr, dependsOn: [{ name: 'never-ready', readyExpr }] }, 'expr');
  await bed.ready('e1', 'expr');
  await bed.patch({ dependsOn: [{ name: 'never-ready', readyExpr: 'dep.(' }] }, 'expr');
  const stalled = await bed.failed('InvalidCELExpression', 'expr');
  expect(conditionOf(stalled)?.message).toContain('spec.dependsOn[0].readyExpr');
});

test('a source without an artifact passes on its own reason, as soon as it has one', async () => {
  const { client, namespace } = bed;
  const repositories = resourceOf(gitRepositoryKind as KindDefinition);
  const key = { namespace, name: 'late' };
  await bed.apply({ sourceRef: { kind: 'GitRepository', name: 'late' } }, 'late');
  expect(conditionOf(await bed.failed('ArtifactFailed', 'late'))?.message).toContain('not found');
  const says = (text: string) =>
    bed.when((object) => conditionOf(object)?.message.endsWith(text) === true, 'late');
  await client.create(repositories, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: key,
    spec: { interval: '1m', url: 'https://git.example.com/app' },
  } as KubeObject);
  await says(`Source 'GitRepository/${namespace}/late' has no artifact yet`);
  for (const message of ['no such branch', 'no such host']) {
    const lastTransitionTime = new Date().toISOString();
    const condition = { type: 'Ready', status: 'False', reason: 'X', message, lastTransitionTime };
    const status = { observedGeneration: 1, conditions: [condition] };
    await client.patch(repositories, key, { status }, { type: 'merge', subresource: 'status' });
    await says(`Source 'GitRepository/${namespace}/late' has no artifact: ${message}`);
  }
});
