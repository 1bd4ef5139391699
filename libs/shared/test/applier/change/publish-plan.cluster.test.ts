import {
  type KubeObject,
  kustomizationKind,
  type Plan,
  type PlannedObject,
  planKind,
} from '@sluice/shared/api';
import { isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, test } from 'vitest';
import type { ChangePlan } from '../../../src/applier/change/change-plan.ts';
import { planNameOf, publishPlan, withdrawPlan } from '../../../src/applier/change/publish-plan.ts';

const plans = resourceOf(planKind);
const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`;

let client: KubeClient;
let namespace: string;
beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'plans');
});

const ownerOf = (name: string): Promise<KubeObject> =>
  client.create<KubeObject>(resourceOf(kustomizationKind), {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name, namespace },
    spec: { interval: '1h', prune: true, suspend: true, sourceRef: { kind: 'Bucket', name } },
  } as KubeObject);

const planned = (count: number, text: string): PlannedObject[] =>
  Array.from({ length: count }, (_, index) => ({
    action: 'Change',
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace,
    name: `map-${index}`,
    changes: [{ path: '.data.k', before: text, after: text }],
  }));

const planWith = (objects: PlannedObject[], digest: string): ChangePlan => ({
  digest,
  objects,
  create: 0,
  change: objects.length,
  delete: 0,
});

const publish = (owner: KubeObject, plan: ChangePlan) =>
  publishPlan(owner, plan, {
    client,
    controllerName: 'kustomize-controller',
    revision: 'r1',
    signal: new AbortController().signal,
  });

test.each([
  ['5,000 objects', 5000, 'x'],
  ['50 MB', 5000, 'x'.repeat(5000)],
])(
  'of a plan of %s, as much is stored as fits into an object, and the rest is counted',
  async (name, count, text) => {
    const owner = await ownerOf(`large-${name.replace(/\D/g, '')}`);
    const summary = await publish(owner, planWith(planned(count, text), digestOf('a')));
    expect(summary).toMatchObject({ digest: digestOf('a'), change: count });
    const { spec } = await client.get<Plan>(plans, { namespace, name: planNameOf(owner) });
    expect(spec.objects.length + (spec.omitted ?? 0)).toBe(count);
    expect(spec.objects.length).toBeGreaterThan(50);
    expect(spec.change).toBe(count);
  },
);

test('another plan takes the place of the one before, and none is left in the end', async () => {
  const owner = await ownerOf('replaced');
  await publish(owner, planWith(planned(2, 'x'), digestOf('a')));
  const { url } = await publish(owner, planWith(planned(1, 'y'), digestOf('b')));
  const stored = (await client.request('GET', url)) as {
    spec: { digest: string; objects: object[] };
  };
  expect(stored.spec.digest).toBe(digestOf('b'));
  expect(stored.spec.objects).toHaveLength(1);
  const { signal } = new AbortController();
  await withdrawPlan(owner, { client, signal });
  await withdrawPlan(owner, { client, signal });
  const left = await client.get(plans, { namespace, name: planNameOf(owner) }).catch(isNotFound);
  expect(left).toBe(true);
});

test('the name of a plan is a valid one, however long that of its object is', () => {
  const long = { kind: 'Kustomization', metadata: { name: 'a'.repeat(253) } } as KubeObject;
  const longer = { kind: 'Kustomization', metadata: { name: `${'a'.repeat(252)}b` } } as KubeObject;
  expect(planNameOf(long)).toMatch(/^[a-z0-9-]{1,253}$/);
  expect(planNameOf(long)).not.toBe(planNameOf(longer));
});
