import {
  type Approval,
  approvalKind,
  type KindDefinition,
  type KubeObject,
  type Kustomization,
  type Plan,
  planKind,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { FakeClock } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  deployments,
  startBed,
  stuck,
} from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const approvals = resourceOf(approvalKind as KindDefinition);
const plans = resourceOf(planKind as KindDefinition);
const minute = 60_000;
const clock = new FakeClock();

let bed: Bed;
beforeAll(async () => {
  // Nothing is over before a test says so.
  bed = await startBed([], { clock });
});
afterAll(() => bed.stop());

const trial = { wait: true, timeout: '5m', interval: '24h' };
const approve = { mode: 'Approve' as const, rollback: 'LastHealthy' as const };
const sourceRef = (name: string) => ({ kind: 'ExternalArtifact' as const, name });
const dataOf = async (name: string) =>
  (await bed.client.get<ConfigMap>(configMaps, { namespace: bed.namespace, name })).data;
const eventsOf = (name: string, reason: string) =>
  bed.events.filter((event) => event.involvedObject.name === name && event.reason === reason);

/** Lets a second pass at a time until an object is as wanted. */
function passUntil(name: string, isSo: (object: Kustomization) => boolean): Promise<Kustomization> {
  return vi.waitFor(
    async () => {
      await clock.advance(1000);
      const object = await bed.get(name);
      expect(isSo(object)).toBe(true);
      return object;
    },
    { timeout: 60_000, interval: 20 },
  );
}

const isHeld =
  (revision: string, reason: string, not?: string) =>
  ({ status }: Kustomization): boolean =>
    status?.held?.reason === reason &&
    status.plan?.revision === revision &&
    status.plan.digest !== not;

async function approvePlan(name: string, planDigest: string | undefined): Promise<void> {
  const { client, namespace } = bed;
  await client.create<Approval>(approvals, {
    apiVersion: 'delivery.sluice.dev/v1alpha1',
    kind: 'Approval',
    metadata: { generateName: `${name}-`, namespace } as Approval['metadata'],
    spec: {
      targetRef: { kind: 'Kustomization', name },
      planDigest: planDigest ?? '',
      user: 'lead',
    },
  });
}

/** Publishes a revision, and lets it through. */
async function release(name: string, revision: string, files: Record<string, string>) {
  await bed.publish(files, revision, name);
  const { status } = await passUntil(name, isHeld(revision, 'Approval'));
  await approvePlan(name, status?.plan?.digest);
  await bed.when((object) => object.status?.change?.revision === revision, name);
}

/** Has r1 healthy, and r2 let through, which does not become so. */
async function begin(name: string, kept: Record<string, string> = {}): Promise<void> {
  const files = (k: string) => ({ 'a.yaml': configMap(`${name}-a`, { k }), ...kept });
  await bed.publish(files('1'), 'r1', name);
  await bed.apply({ sourceRef: sourceRef(name), ...trial, changePolicy: approve }, name);
  await release(name, 'r1', files('1'));
  await bed.ready('r1', name);
  await release(name, 'r2', { ...files('2'), 'd.yaml': stuck(`${name}-d`) });
}

/** What the plan that waits would do. */
async function planned(name: string): Promise<string[]> {
  const key = { namespace: bed.namespace, name: `kustomization-${name}` };
  const { objects } = (await bed.client.get<Plan>(plans, key)).spec;
  return objects.map(({ action, kind }) => `${action} ${kind}`);
}

test('what does not become healthy is rolled back while a newer change waits, whose plan is made anew', async () => {
  const name = 'newer';
  await begin(name);
  await bed.publish({ 'a.yaml': configMap('newer-a', { k: '3' }) }, 'r3', name);
  const held = await passUntil(name, isHeld('r3', 'Approval'));
  const before = held.status?.plan?.digest;
  expect(held.status?.change?.revision).toBe('r2');
  expect(await planned(name)).toEqual(['Delete Deployment', 'Change ConfigMap']);

  await clock.advance(5 * minute);
  const again = await passUntil(name, isHeld('r3', 'Approval', before));
  expect(again.status?.change).toMatchObject({ revision: 'r1', refused: expect.any(String) });
  expect(await dataOf('newer-a')).toEqual({ k: '1' });
  await untilGone(bed.client, deployments, { namespace: bed.namespace, name: 'newer-d' });
  const [told, ...more] = eventsOf(name, 'RolledBack');
  expect(more).toEqual([]);
  expect(told?.message).toMatch(
    /^Revision r2 did not become healthy and was rolled back, and r1 is applied/,
  );
  expect(again.status?.history).toContainEqual(
    expect.objectContaining({
      metadata: { revision: 'r2' },
      lastReconciledStatus: 'HealthCheckFailed',
    }),
  );
  expect(await planned(name)).toEqual(['Change ConfigMap']);
  // What is applied is healthy, and what waits is no failure.
  const ready = await bed.ready('r1', name);
  expect(conditionOf(ready, 'Held')?.reason).toBe('Approval');

  await approvePlan(name, before);
  await approvePlan(name, again.status?.plan?.digest);
  const released = await bed.ready('r3', name);
  expect(released.status?.change?.plan).toBe(again.status?.plan?.digest);
  expect(released.status?.change?.refused).toBeUndefined();
  expect(await dataOf('newer-a')).toEqual({ k: '3' });
});

test('a process that knows nothing of it rolls back as well', async () => {
  const name = 'restarted';
  await begin(name);
  await bed.publish({ 'a.yaml': configMap('restarted-a', { k: '3' }) }, 'r3', name);
  const held = await passUntil(name, isHeld('r3', 'Approval'));
  await bed.restart();
  // Of the wait, which begins anew, the condition tells: of what is applied, not of what waits.
  const waiting = await passUntil(name, (object) => {
    const { message = '' } = conditionOf(object, 'Healthy') ?? {};
    return message.startsWith('Running health checks for revision r2');
  });
  expect(waiting.status?.held?.reason).toBe('Approval');
  await clock.advance(5 * minute);
  await passUntil(name, isHeld('r3', 'Approval', held.status?.plan?.digest));
  expect(await dataOf('restarted-a')).toEqual({ k: '1' });
  expect(eventsOf(name, 'RolledBack')).toHaveLength(1);
});

test('a newer change that a guard holds keeps nothing from being rolled back', async () => {
  const name = 'guarded';
  const kept = { 'b.yaml': configMap('guarded-b'), 'c.yaml': configMap('guarded-c') };
  await begin(name, kept);
  await bed.patch({ changePolicy: { ...approve, pruneGuard: { maxObjects: 1 } } }, name);
  await bed.publish({ 'a.yaml': configMap('guarded-a', { k: '3' }) }, 'r3', name);
  const held = await passUntil(name, isHeld('r3', 'PruneGuard'));
  expect(conditionOf(held)).toMatchObject({ status: 'False', reason: 'PruneGuard' });
  await clock.advance(5 * minute);
  const again = await passUntil(name, isHeld('r3', 'PruneGuard', held.status?.plan?.digest));
  expect(again.status?.change?.revision).toBe('r1');
  expect(await dataOf('guarded-a')).toEqual({ k: '1' });
  expect(eventsOf(name, 'RolledBack')).toHaveLength(1);
  expect(conditionOf(again)).toMatchObject({ status: 'False', reason: 'PruneGuard' });
});

test('what was healthy once is not rolled back when it is no longer', async () => {
  const name = 'later';
  const { client, namespace } = bed;
  const other = { namespace, name: 'later-other' };
  await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: other });
  const healthChecks = [{ apiVersion: 'v1', kind: 'ConfigMap', ...other }];
  const spec = {
    ...trial,
    wait: false,
    healthChecks,
    changePolicy: { rollback: approve.rollback },
  };
  await bed.publish({ 'a.yaml': configMap('later-a', { k: '1' }) }, 'r1', name);
  await bed.apply({ sourceRef: sourceRef(name), ...spec }, name);
  await bed.ready('r1', name);
  await bed.publish({ 'a.yaml': configMap('later-a', { k: '2' }) }, 'r2', name);
  await bed.ready('r2', name);
  await client.delete(configMaps, other);
  await bed.annotate({ [reconcileRequestAnnotation]: 'now' }, name);
  await passUntil(name, (object) => conditionOf(object, 'Healthy')?.status === 'Unknown');
  await clock.advance(5 * minute);
  await bed.failed('HealthCheckFailed', name);
  expect(await dataOf('later-a')).toEqual({ k: '2' });
  expect((await bed.get(name)).status?.change?.revision).toBe('r2');
  expect(eventsOf(name, 'RolledBack')).toEqual([]);
});
