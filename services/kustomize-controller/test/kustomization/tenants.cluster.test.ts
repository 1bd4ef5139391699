import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { tenantAccount, testNamespace, until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  kustomizations,
  startBed,
} from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const prefix = 'kustomize.toolkit.fluxcd.io';
const canary = 'canary-that-no-tenant-may-read';
const byHand = { type: 'merge', fieldManager: 'somebody' } as const;

let bed: Bed;
/** Where the tenant may read nothing. */
let theirs: string;

beforeAll(async () => {
  bed = await startBed();
  theirs = await testNamespace(bed.client, 'theirs');
  await tenantAccount(bed.client, { namespace: bed.namespace, name: 'tenant' });
  await bed.publish({ 'settings.yaml': configMap('settings', { key: canary }) }, 'r1', 'platform');
  await bed.apply({ targetNamespace: theirs, sourceRef: sourceOf('platform') }, 'platform');
  await bed.ready('r1', 'platform');
});
afterAll(() => bed.stop());

const sourceOf = (name: string) => ({ kind: 'ExternalArtifact' as const, name });
const idOf = (name: string) => `${theirs}_${name}__ConfigMap`;
const inventoryOf = (object: Kustomization) =>
  (object.status?.inventory?.entries ?? []).map(({ id }) => id);

const naming = (policy: Record<string, string>) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'settings',
      namespace: theirs,
      annotations: Object.fromEntries(
        Object.entries(policy).map(([key, value]) => [`${prefix}/${key}`, value]),
      ),
    },
  });

/** Edits the platform's object, and waits until that was undone. */
async function expectHealed(): Promise<void> {
  const key = { namespace: theirs, name: 'settings' };
  await bed.client.patch(configMaps, key, { data: { key: 'edited' } }, byHand);
  await until<ConfigMap>(bed.client, configMaps, key, (o) => o.data?.['key'] === canary);
}

const policies: { name: string; policy: Record<string, string> }[] = [
  { name: 'disabled', policy: { reconcile: 'disabled' } },
  { name: 'ignored', policy: { ssa: 'Ignore' } },
  { name: 'if-not-present', policy: { ssa: 'IfNotPresent' } },
];

/** Expressions that would tell a value, or one bit of it. */
const expressions = [
  "data[data.key] == ''",
  `data.key == '${canary}'`,
  "data.key == 'something else'",
  'int(data.key) > 0',
];

async function attack(name: string, policy: Record<string, string>, waits: boolean) {
  await bed.publish({ 'a.yaml': naming(policy), 'own.yaml': configMap(`own-${name}`) }, 'r1', name);
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings', namespace: theirs };
  const results: string[] = [];
  for (const [index, current] of expressions.entries()) {
    const key = `${name}-${index}`;
    const more = waits ? { wait: true } : { healthChecks: [reference] };
    await bed.apply(
      {
        targetNamespace: undefined,
        serviceAccountName: 'tenant',
        sourceRef: sourceOf(name),
        timeout: '3s',
        prune: true,
        healthCheckExprs: [
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            current: `kind == 'x' || (metadata.name == 'settings' ? ${current} : true)`,
          },
        ],
        ...more,
      },
      key,
    );
    const settled = await bed.when(
      (o) => ['True', 'False'].includes(conditionOf(o)?.status ?? ''),
      key,
    );
    expect(inventoryOf(settled)).not.toContain(idOf('settings'));
    const { reason, message } = conditionOf(settled) ?? {};
    results.push(`${reason} ${message}`.replaceAll(/after [\d.]+m?s/g, '').replaceAll(key, name));
    await bed.client.delete(kustomizations, { namespace: bed.namespace, name: key });
    await untilGone(bed.client, kustomizations, { namespace: bed.namespace, name: key });
  }
  return results;
}

test.for(policies)(
  "naming another's object tells nothing of it and takes nothing away: $name",
  { timeout: 120_000 },
  async ({ name, policy }) => {
    for (const waits of [true, false]) {
      const results = await attack(`${name}-${waits ? 'wait' : 'check'}`, policy, waits);
      expect(new Set(results).size).toBe(1);
    }
    await expectHealed();
    const told = JSON.stringify([
      bed.events,
      (await bed.client.list<Kustomization>(kustomizations, { namespace: bed.namespace })).items,
    ]);
    expect(told).not.toContain(canary);
  },
);

test('its drift is healed while the tenant that names it is there', async () => {
  await bed.publish({ 'a.yaml': naming({ reconcile: 'disabled' }) }, 'r1', 'naming');
  const spec = { targetNamespace: undefined, serviceAccountName: 'tenant' };
  await bed.apply({ ...spec, sourceRef: sourceOf('naming') }, 'naming');
  const object = await bed.ready('r1', 'naming');
  expect(inventoryOf(object)).toEqual([]);
  await expectHealed();
});

/** Makes the platform's object name another owner, and waits until it names the platform again. */
async function expectReclaimed(name: string): Promise<void> {
  const key = { namespace: theirs, name: 'settings' };
  const labels = { [`${prefix}/name`]: name, [`${prefix}/namespace`]: bed.namespace };
  await bed.client.patch(configMaps, key, { metadata: { labels } }, byHand);
  await until(
    bed.client,
    configMaps,
    key,
    (o) => o.metadata.labels?.[`${prefix}/name`] === 'platform',
  );
}

test('an object that was made to name another owner is brought back, also after a restart', async () => {
  await bed.publish({ 'own.yaml': configMap('own-relabel') }, 'r1', 'relabel');
  await bed.apply({ serviceAccountName: 'tenant', sourceRef: sourceOf('relabel') }, 'relabel');
  await bed.ready('r1', 'relabel');
  await expectReclaimed('relabel');
  await bed.restart();
  await expectReclaimed('relabel');
});

test('naming an object that one may not apply gives no claim to it', async () => {
  const files = { 'a.yaml': naming({}), 'own.yaml': configMap('own-refused') };
  await bed.publish(files, 'r1', 'refused');
  const spec = { targetNamespace: undefined, serviceAccountName: 'tenant' };
  await bed.apply(
    { ...spec, targetNamespace: undefined, sourceRef: sourceOf('refused') },
    'refused',
  );
  const object = await bed.failed('ReconciliationFailed', 'refused');
  expect(inventoryOf(object)).not.toContain(idOf('settings'));
  await expectReclaimed('refused');
});

test('an object that is made once is made again when it is deleted, and only by who made it', async () => {
  const once = JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'once', annotations: { [`${prefix}/ssa`]: 'IfNotPresent' } },
    data: { made: 'here' },
  });
  await bed.publish({ 'once.yaml': once }, 'r1', 'once');
  await bed.apply({ serviceAccountName: 'tenant', sourceRef: sourceOf('once') }, 'once');
  const object = await bed.ready('r1', 'once');
  expect(inventoryOf(object)).toEqual([`${bed.namespace}_once__ConfigMap`]);
  await bed.restart();
  const key = { namespace: bed.namespace, name: 'once' };
  await bed.publish({ 'once.yaml': once, 'more.yaml': configMap('more') }, 'r2', 'once');
  const again = await bed.ready('r2', 'once');
  expect(inventoryOf(again)).toContain(`${bed.namespace}_once__ConfigMap`);
  await bed.client.delete(configMaps, key);
  await until<ConfigMap>(bed.client, configMaps, key, (o) => o.data?.['made'] === 'here');
});
