import { gunzipSync } from 'node:zlib';
import type { KubeObject, Snapshot } from '@sluice/shared/api';
import { until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  deployment,
  kustomizations,
  secrets,
  startBed,
  stuck,
} from './harness.ts';
import { type ConfigMap, rollbacksOn, snapshots, sourceOf } from './rollback-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const { again, dataOf, eventsOf, healthy, isThere, rolledBack, snapshotsOf } = rollbacksOn(
  () => bed,
);
const secret = (name: string, password: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    stringData: { password },
  });
const textOf = ({ spec }: Snapshot) => gunzipSync(Buffer.from(spec.content, 'base64')).toString();

test('a change that does not become healthy is rolled back, once, until the fix comes', async () => {
  const name = 'back';
  const first = await healthy({
    name,
    files: {
      'a.yaml': configMap('back-a', { k: '1' }),
      'gone.yaml': configMap('back-gone'),
      's.yaml': secret('back-s', 'hunter2-one'),
    },
  });
  const [snapshot] = await snapshotsOf(first);
  expect(snapshot?.spec).toMatchObject({ revision: 'r1', objects: 2, leftOut: 1 });
  expect(textOf(snapshot as Snapshot)).not.toMatch(/hunter2|aHVudGVyMi1vbm/);

  const bad = {
    'a.yaml': configMap('back-a', { k: '2' }),
    'new.yaml': configMap('back-new'),
    's.yaml': secret('back-s', 'hunter2-two'),
    'd.yaml': stuck('back-d'),
  };
  await bed.publish(bad, 'r2', name);
  const object = await rolledBack(name);
  const message = conditionOf(object)?.message ?? '';
  expect(message).toMatch(/^Revision r2 did not become healthy and was rolled back, and r1 is/);
  expect(message).toMatch(/Secrets and objects that hold secret texts stay as they are \(1\)/);
  expect(message).toMatch(/health check failed after .*Deployment\/.*back-d/s);
  expect(object.status?.held?.reason).toBe('RolledBack');
  const { change } = object.status ?? {};
  expect(change).toMatchObject({ digest: first.status?.change?.digest, revision: 'r1' });
  expect(change?.refused).toMatch(/^sha256:/);
  expect(await dataOf('back-a')).toEqual({ k: '1' });
  expect(await isThere('back-gone')).toBe(true);
  expect(await isThere('back-new')).toBe(false);
  expect(object.status?.inventory?.entries).toHaveLength(3);
  const kept = await bed.client.get<KubeObject & { data: Record<string, string> }>(secrets, {
    namespace: bed.namespace,
    name: 'back-s',
  });
  expect(Buffer.from(kept.data['password'] ?? '', 'base64').toString()).toBe('hunter2-two');
  expect(eventsOf(name, 'RolledBack')).toMatchObject([{ severity: 'error' }]);

  // Neither a request nor a restart has it tried again.
  await again(name, 'one');
  await bed.restart();
  const still = await again(name, 'two');
  expect(conditionOf(still)).toMatchObject({ status: 'False', reason: 'RolledBack', message });
  expect(still.status?.change).toEqual(change);
  expect(eventsOf(name, 'RolledBack')).toHaveLength(1);
  expect(eventsOf(name, 'HealthCheckFailed')).toEqual([]);

  // Drift is corrected towards what is applied.
  const key = { namespace: bed.namespace, name: 'back-a' };
  const edit = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
  await bed.client.patch(configMaps, key, { data: { k: 'edited' } }, edit);
  await until<ConfigMap>(bed.client, configMaps, key, ({ data }) => data?.['k'] === '1');

  await bed.publish({ ...bad, 'd.yaml': deployment('back-d') }, 'r3', name);
  const fixed = await bed.ready('r3', name);
  expect(fixed.status?.held).toBeUndefined();
  expect(fixed.status?.change?.refused).toBeUndefined();
  expect(await dataOf('back-a')).toEqual({ k: '2' });
  const latest = await bed.when(
    ({ status }) => status?.change?.healthy === status?.change?.digest,
    name,
  );
  // What was healthy before stays as well, for whoever asks for it.
  const revisions = (await snapshotsOf(latest)).map(({ spec }) => spec.revision);
  expect(revisions.sort()).toEqual(['r1', 'r3']);
});

test('the source may go back to what is healthy, and then what was refused is tried again', async () => {
  const name = 'forth';
  const good = { 'a.yaml': configMap('forth-a', { k: '1' }) };
  const bad = { ...good, 'd.yaml': stuck('forth-d') };
  await healthy({ name, files: good });
  await bed.publish(bad, 'r2', name);
  await rolledBack(name);
  await bed.publish(good, 'r3', name);
  const back = await bed.ready('r3', name);
  expect(back.status?.change?.refused).toBeUndefined();
  expect(conditionOf(back, 'Held')).toBeUndefined();
  await bed.publish(bad, 'r4', name);
  const object = await rolledBack(name);
  expect(conditionOf(object)?.message).toMatch(/^Revision r4 .* and r3 is applied/);
});

test('nothing is written when nothing is new, and nothing without a policy', async () => {
  const name = 'idle';
  const files = { 'a.yaml': configMap('idle-a', { k: '1' }) };
  const object = await healthy({ name, files });
  const [before] = await snapshotsOf(object);
  await again(name, 'one');
  await bed.restart();
  await again(name, 'two');
  const [after] = await snapshotsOf(object);
  expect(after?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
  await bed.patch({ changePolicy: null as never }, name);
  await untilGone(bed.client, snapshots, (before as Snapshot).metadata);

  await bed.publish(files, 'r1', 'free');
  await bed.apply({ ...sourceOf('free'), wait: true }, 'free');
  const free = await bed.ready('r1', 'free');
  expect(await snapshotsOf(free)).toEqual([]);
  expect(free.status?.change).toBeUndefined();
});

test('a rollback that was interrupted is carried out, and told of, by the next process', async () => {
  const name = 'cut';
  const first = await healthy({ name, files: { 'a.yaml': configMap('cut-a', { k: '1' }) } });
  const bad = { 'a.yaml': configMap('cut-a', { k: '2' }), 'new.yaml': configMap('cut-new') };
  await bed.publish({ ...bad, 'd.yaml': stuck('cut-d') }, 'r2', name);
  const object = await rolledBack(name);
  // What a process leaves behind that dies after it has noted the rollback: the bad objects, and no word of it in Ready.
  await bed.patch({ suspend: true }, name);
  const key = { namespace: bed.namespace, name: 'cut-a' };
  await bed.restart();
  await bed.client.patch(configMaps, key, { data: { k: '2' } }, { type: 'merge' });
  const labels = {
    'kustomize.toolkit.fluxcd.io/name': name,
    'kustomize.toolkit.fluxcd.io/namespace': bed.namespace,
  };
  await bed.client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'cut-new', namespace: bed.namespace, labels },
  });
  const entries = [
    ...(object.status?.inventory?.entries ?? []),
    { id: `${bed.namespace}_cut-new__ConfigMap`, v: 'v1' },
  ];
  const conditions = object.status?.conditions?.map((condition) =>
    condition.type === 'Ready'
      ? { ...condition, status: 'Unknown', reason: 'Progressing', message: 'Applying' }
      : condition,
  );
  await bed.client.patch(
    kustomizations,
    { namespace: bed.namespace, name },
    { status: { inventory: { entries }, conditions } },
    { type: 'merge', subresource: 'status' },
  );
  await bed.patch({ suspend: false }, name);
  await untilGone(bed.client, configMaps, { namespace: bed.namespace, name: 'cut-new' });
  await until<ConfigMap>(bed.client, configMaps, key, ({ data }) => data?.['k'] === '1');
  const done = await rolledBack(name);
  expect(done.status?.inventory?.entries).toHaveLength(1);
  expect(conditionOf(done)?.message).toBe(conditionOf(object)?.message);
  expect(done.status?.change?.digest).toBe(first.status?.change?.digest);
  expect(eventsOf(name, 'RolledBack')).toHaveLength(1);
});

test('a restart before the health check has failed changes nothing about the rollback', async () => {
  const name = 'before';
  await healthy({ name, files: { 'a.yaml': configMap('before-a', { k: '1' }) } });
  await bed.publish({ 'd.yaml': stuck('before-d') }, 'r2', name);
  await bed.when(({ status }) => status?.lastAttemptedRevision === 'r2', name);
  await bed.restart();
  await rolledBack(name);
  expect(await dataOf('before-a')).toEqual({ k: '1' });
  expect(eventsOf(name, 'RolledBack')).toHaveLength(1);
});

test('values of Secrets that variables bring into other objects are not kept', async () => {
  const name = 'vars';
  const { client, namespace } = bed;
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'vars-values', namespace },
    stringData: { password: 'hunter2-variable' },
  } as KubeObject);
  const object = await healthy({
    name,
    files: {
      'a.yaml': configMap('vars-a', { k: 'plain' }),
      'b.yaml': configMap('vars-b', { k: 'url?p=${password}' }),
    },
    spec: { postBuild: { substituteFrom: [{ kind: 'Secret', name: 'vars-values' }] } },
  });
  expect(await dataOf('vars-b')).toEqual({ k: 'url?p=hunter2-variable' });
  const [snapshot] = await snapshotsOf(object);
  expect(snapshot?.spec).toMatchObject({ objects: 1, leftOut: 1 });
  expect(textOf(snapshot as Snapshot)).not.toContain('hunter2');
});

test('while a change waits for approval, drift is corrected towards the approved one after a restart', async () => {
  const name = 'waits';
  const { client, namespace } = bed;
  const files = (k: string) => ({
    'a.yaml': configMap('waits-a', { k }),
    's.yaml': secret('waits-s', 'hunter2'),
  });
  await bed.publish(files('1'), 'r1', name);
  await bed.apply(sourceOf(name), name);
  await bed.ready('r1', name);
  await bed.patch({ changePolicy: { mode: 'Approve' } }, name);
  const object = await bed.when(
    ({ status }) => status?.change?.healthySnapshot !== undefined,
    name,
  );
  await bed.publish(files('2'), 'r2', name);
  await bed.when(({ status }) => status?.held?.reason === 'Approval', name);
  await bed.restart();
  const key = { namespace, name: 'waits-a' };
  const edit = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
  await client.patch(configMaps, key, { data: { k: 'edited' } }, edit);
  await until<ConfigMap>(client, configMaps, key, ({ data }) => data?.['k'] === '1');
  const held = await bed.when(
    (each) => conditionOf(each, 'Held')?.message.includes('stay as they are (1)') ?? false,
    name,
  );
  expect(held.status?.change).toEqual(object.status?.change);
  expect(held.status?.inventory?.entries).toHaveLength(2);
  expect(await isThere('waits-s', secrets)).toBe(true);
});
