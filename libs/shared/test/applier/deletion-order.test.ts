import type { KubeObject } from '@sluice/shared/api';
import { FakeClock, silentLogger, WaitingError } from '@sluice/shared/base';
import { createKubeClient } from '@sluice/shared/kube';
import { expect, onTestFinished, test } from 'vitest';
import type { Dependant } from '../../src/applier/dependency-reference.ts';
import { DependencyWatch } from '../../src/applier/dependency-watch.ts';
import { refuse, startFakeApiServer } from '../kube/fake-api-server.ts';
import { FakeInformer } from '../runtime/fake-informer.ts';

const deletionTimestamp = '2026-01-01T00:00:00Z';
const startMs = Date.parse(deletionTimestamp);
const minuteMs = 60_000;

interface Leaving {
  name: string;
  namespace?: string;
  isLeaving?: boolean;
  dependsOn?: { name: string; namespace?: string }[];
}

const kustomization = ({ name, namespace = 'ns', isLeaving = true, dependsOn }: Leaving) =>
  ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: {
      name,
      namespace,
      finalizers: ['finalizers.fluxcd.io'],
      ...(isLeaving && { deletionTimestamp }),
    },
    spec: { dependsOn },
  }) as KubeObject as Dependant;

/** Knows objects, where HelmReleases are not installed. */
async function knowing(
  objects: KubeObject[],
  o: { noCrossNamespaceRefs?: boolean; nowMs?: number } = {},
) {
  const server = await startFakeApiServer((_, response) =>
    refuse(response, 404, { reason: 'NotFound' }),
  );
  const client = createKubeClient(server.config);
  const informer = new FakeInformer<KubeObject>();
  const clock = new FakeClock(o.nowMs ?? startMs);
  const dependencies = new DependencyWatch({
    kind: 'Kustomization',
    informer,
    client,
    logger: silentLogger,
    clock,
    clientOf: () => Promise.resolve(client),
    additive: false,
    noCrossNamespaceRefs: o.noCrossNamespaceRefs ?? false,
  });
  onTestFinished(async () => {
    await dependencies.stop();
    await client.close();
    await server.close();
  });
  const woken: string[] = [];
  dependencies.onChange((key) => woken.push(key));
  for (const object of objects) informer.see(object);
  return { dependencies, informer, woken, clock };
}

const base = kustomization({ name: 'base' });

test('a dependant that never goes is given up after ten minutes, which is told once', async () => {
  const app = kustomization({ name: 'app', dependsOn: [{ name: 'base' }] });
  const { dependencies, clock } = await knowing([base, app]);
  await expect(dependencies.checkDependants(base)).rejects.toThrow(WaitingError);
  await clock.advance(9 * minuteMs);
  await expect(dependencies.checkDependants(base)).rejects.toMatchObject({
    reason: 'DependantsRemain',
    message: expect.stringContaining('Kustomization/ns/app'),
    retryAfterMs: minuteMs,
  });
  await clock.advance(minuteMs);
  expect(await dependencies.checkDependants(base)).toEqual(['Kustomization/ns/app']);
  expect(await dependencies.checkDependants(base)).toEqual([]);
});

test('a wait that began before a restart does not begin anew', async () => {
  const app = kustomization({ name: 'app', dependsOn: [{ name: 'base' }] });
  const { dependencies } = await knowing([base, app], { nowMs: startMs + 10 * minuteMs });
  expect(await dependencies.checkDependants(base)).toEqual(['Kustomization/ns/app']);
});

test('a dependant that is not deleted is waited for during five seconds', async () => {
  const app = kustomization({ name: 'app', isLeaving: false, dependsOn: [{ name: 'base' }] });
  const { dependencies, clock } = await knowing([base, app]);
  const retryAfterMs = 5_000;
  await expect(dependencies.checkDependants(base)).rejects.toMatchObject({ retryAfterMs });
  await clock.advance(retryAfterMs);
  expect(await dependencies.checkDependants(base)).toEqual([]);
});

test('where references across namespaces are blocked, nobody holds what is in another one', async () => {
  const dependsOn = [{ name: 'base', namespace: 'ns' }];
  const foreign = kustomization({ name: 'app', namespace: 'tenant', dependsOn });
  const blocked = await knowing([base, foreign], { noCrossNamespaceRefs: true });
  expect(await blocked.dependencies.checkDependants(base)).toEqual([]);
  const { dependencies } = await knowing([base, foreign]);
  await expect(dependencies.checkDependants(base)).rejects.toThrow('tenant/app');
});

test('who waits is woken when the last dependant that is deleted has gone', async () => {
  const dependsOn = [{ name: 'base' }];
  const apps = ['one', 'two'].map((name) => kustomization({ name, dependsOn }));
  const { dependencies, informer, woken } = await knowing([base, ...apps]);
  await expect(dependencies.checkDependants(base)).rejects.toThrow('one');
  informer.lose('ns/one');
  expect(woken).toEqual([]);
  informer.lose('ns/two');
  expect(woken).toEqual(['ns/base']);
  expect(await dependencies.checkDependants(base)).toEqual([]);
});

test('what an object has made must be gone first while something it depends on is deleted', async () => {
  const app = kustomization({ name: 'app', dependsOn: [{ name: 'base' }] });
  const { dependencies, clock } = await knowing([base, app]);
  await clock.advance(minuteMs);
  expect(dependencies.awaitsTermination(app)).toBe(true);
  expect(dependencies.awaitsTermination(base)).toBe(false);
  const stays = await knowing([kustomization({ name: 'base', isLeaving: false }), app]);
  expect(stays.dependencies.awaitsTermination(app)).toBe(true);
  await stays.clock.advance(5_000);
  expect(stays.dependencies.awaitsTermination(app)).toBe(false);
});
