import type { KubeObject } from '@sluice/shared/api';
import { SecretMasker } from '@sluice/shared/base';
import { computeHealth, explainUnhealthy, objectIdOf } from '@sluice/shared/engine';
import { type ApiResource, coreResources, type KubeClient } from '@sluice/shared/kube';
import { tenantAccount, testCluster, testNamespace, until } from '@sluice/testing';
import { beforeAll, describe, expect, test } from 'vitest';

const statefulSets: ApiResource = {
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  namespaced: true,
};
const quotas: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  namespaced: true,
};

let client: KubeClient;
let namespace: string;
const masker = new SecretMasker();

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'explain');
});

function workload(kind: 'Deployment' | 'StatefulSet', name: string, podSpec: object = {}) {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { namespace, name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: {
          labels: { app: name },
          annotations: { 'test.sluice.dev/behaviour': 'pending' },
        },
        spec: { containers: [{ name: 'main', image: 'example/web:1' }], ...podSpec },
      },
    },
  };
}

function explain(objects: KubeObject[], as: KubeClient = client): Promise<string> {
  const unhealthy = objects.map((object) => ({
    id: objectIdOf(object),
    apiVersion: object.apiVersion,
  }));
  return explainUnhealthy(unhealthy, { client: as, signal: AbortSignal.timeout(60_000), masker });
}

/** The lines, with what differs from run to run replaced. */
function lines(text: string): string[] {
  const known = text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'THEN')
    .replaceAll(namespace, 'ns')
    .replaceAll(/-[0-9a-z]{6,10}-[0-9a-z]{5}/g, '-POD');
  return known.split('\n').slice(1);
}

async function podOf(name: string): Promise<KubeObject> {
  const labelSelector = `app=${name}`;
  const find = async () =>
    (await client.list<KubeObject>(coreResources.pods, { namespace, labelSelector })).items;
  await expect.poll(async () => (await find()).length).toBe(1);
  const [pod] = await find();
  if (pod === undefined) throw new Error('there is no Pod');
  return pod;
}

/** Makes the only Pod of a new Deployment look as a kubelet would make it look. */
async function withPod(name: string, status: object): Promise<KubeObject> {
  const deployment = workload('Deployment', name);
  await client.create(coreResources.deployments, deployment);
  const { metadata } = await podOf(name);
  const scheduled = (pod: KubeObject & { spec?: { nodeName?: string } }) =>
    pod.spec?.nodeName !== undefined;
  await until(client, coreResources.pods, { namespace, name: metadata.name }, scheduled);
  const options = { type: 'merge', subresource: 'status' } as const;
  await client.patch(coreResources.pods, metadata, { status }, options);
  await until<KubeObject & { status?: { conditions?: unknown[] } }>(
    client,
    coreResources.deployments,
    { namespace, name },
    (seen) => seen.status?.conditions?.length === 2,
  );
  return deployment;
}

const unavailable =
  'Available is False since THEN (MinimumReplicasUnavailable): Deployment does not have minimum availability.';

describe('of a Deployment that does not get ready it is said', () => {
  const terminated = { reason: 'OOMKilled', exitCode: 137, finishedAt: '2026-01-01T00:00:00Z' };
  const image = 'example/web:1';
  const main = { name: 'main', image, imageID: '', ready: false, restartCount: 3 };
  const cases = [
    {
      name: 'crash',
      problem: 'that its Pod crashes, and how it last ended',
      container: {
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting' } },
        lastState: { terminated },
      },
      expected:
        'container main waits: CrashLoopBackOff: back-off 5m0s restarting; it last ended with exit code 137 (OOMKilled) at THEN',
    },
    {
      name: 'image',
      problem: 'that its image cannot be had, in few words',
      container: {
        state: {
          waiting: { reason: 'ImagePullBackOff', message: `no such\nimage ${'x'.repeat(999)}` },
        },
      },
      expected: expect.stringMatching(/waits: ImagePullBackOff: no such image x{385}…$/),
    },
    {
      name: 'ended',
      problem: 'that its container has ended',
      container: { state: { terminated: { exitCode: 3, reason: 'Error' } } },
      expected: 'container main ended with exit code 3 (Error)',
    },
  ];

  test.each(cases)('$problem', async ({ name, container, expected }) => {
    const deployment = await withPod(name, {
      phase: 'Running',
      containerStatuses: [{ ...main, ...container }],
    });
    const [condition, pod, ...rest] = lines(await explain([deployment]));
    expect(condition).toBe(`Deployment/ns/${name}: ${unavailable}`);
    expect(pod?.slice(`Pod/ns/${name}-POD: `.length)).toEqual(expected);
    expect(rest).toEqual([]);
  });

  test('why its Pod is not scheduled', async () => {
    const deployment = workload('Deployment', 'nowhere', { nodeSelector: { no: 'where' } });
    await client.create(coreResources.deployments, deployment);
    const { metadata } = await podOf('nowhere');
    await until<KubeObject & { status?: { conditions?: unknown[] } }>(
      client,
      coreResources.pods,
      { namespace, name: metadata.name },
      (pod) => pod.status?.conditions !== undefined,
    );
    const text = await explain([deployment]);
    expect(lines(text)).toContainEqual(
      expect.stringMatching(
        /^Pod\/ns\/nowhere-POD: PodScheduled is False since THEN \(Unschedulable\): 0\/\d+ nodes are available/,
      ),
    );
  });
});

describe('an object without a Pod', () => {
  test('has the last warning about it told, such as a quota', async () => {
    const tight = await testNamespace(client, 'quota');
    await client.create(quotas, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { namespace: tight, name: 'none' },
      spec: { hard: { pods: '0' } },
    } as KubeObject);
    await until<KubeObject & { status?: { hard?: object } }>(
      client,
      quotas,
      { namespace: tight, name: 'none' },
      (quota) => quota.status?.hard !== undefined,
    );
    const set = { ...workload('StatefulSet', 'data') };
    set.metadata = { namespace: tight, name: 'data' };
    const { metadata } = await client.create<KubeObject>(statefulSets, set);
    const fieldSelector = `involvedObject.uid=${metadata.uid},type=Warning`;
    await expect
      .poll(async () => {
        const found = await client.list(coreResources.events, { namespace: tight, fieldSelector });
        return found.items.length;
      })
      .toBeGreaterThan(0);
    const [line] = lines((await explain([set])).replaceAll(tight, 'ns'));
    expect(line).toMatch(/^StatefulSet\/ns\/data: FailedCreate: create Pod data-0 in /i);
    expect(line).toContain('exceeded quota: none');
  });

  test('that is gone, or that nothing is known of, has no line', async () => {
    const metadata = { namespace, name: 'gone' };
    expect(await explain([{ apiVersion: 'v1', kind: 'ConfigMap', metadata }])).toBe('');
  });
});

test('of a StatefulSet whose first Pod crashes that is said, and its verdict stays the one of Flux', async () => {
  const set = workload('StatefulSet', 'ordered');
  set.spec.replicas = 3;
  await client.create(statefulSets, set);
  const key = { namespace, name: 'ordered-0' };
  type Scheduled = KubeObject & { spec?: { nodeName?: string } };
  const isScheduled = (pod: Scheduled) => pod.spec?.nodeName !== undefined;
  await until<Scheduled>(client, coreResources.pods, key, isScheduled);
  const status = {
    phase: 'Running',
    containerStatuses: [
      {
        name: 'main',
        image: 'example/web:1',
        imageID: '',
        ready: false,
        restartCount: 3,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting' } },
        lastState: {
          terminated: { reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T00:00:00Z' },
        },
      },
    ],
  };
  await client.patch(coreResources.pods, key, { status }, { type: 'merge', subresource: 'status' });
  const live = await until<KubeObject & { status?: { replicas?: number } }>(
    client,
    statefulSets,
    { namespace, name: 'ordered' },
    (seen) => seen.status?.replicas === 1,
  );
  expect(computeHealth(live).status).toBe('InProgress');
  expect(lines(await explain([set]))).toEqual([
    'Pod/ns/ordered-0: container main waits: CrashLoopBackOff: back-off 5m0s restarting; it last ended with exit code 1 (Error) at THEN',
  ]);
});

test('nothing is told that the client may not read, and the message is there all the same', async () => {
  const deployment = workload('Deployment', 'closed');
  await client.create(coreResources.deployments, deployment);
  await podOf('closed');
  await tenantAccount(client, { namespace, name: 'narrow' }, [
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] },
  ]);
  const narrow = client.impersonate({
    user: `system:serviceaccount:${namespace}:narrow`,
  });
  const said = await explain([deployment], narrow);
  expect(said).toContain(`the Pods of Deployment/${namespace}/closed could not be read: `);
  expect(said).not.toContain(`Pod/${namespace}/closed-`);
});

test('of many objects a few are told of', async () => {
  const many = Array.from({ length: 5 }, (_, i) =>
    workload('Deployment', `many-${i}`, { nodeSelector: { no: 'where' } }),
  );
  for (const each of many) await client.create(coreResources.deployments, each);
  for (const each of many) await podOf(each.metadata.name);
  const told = new Set((await explain(many)).match(/many-\d/g));
  expect([...told].sort()).toEqual(['many-0', 'many-1', 'many-2']);
});
