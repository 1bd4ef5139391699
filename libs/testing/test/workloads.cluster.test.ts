import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace, until } from '@sluice/testing';
import { beforeAll, expect, test } from 'vitest';

const deployments: ApiResource = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
const jobs: ApiResource = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  namespaced: true,
};

type WithStatus = KubeObject & {
  status?: { readyReplicas?: number; succeeded?: number; failed?: number; phase?: string };
};

let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'workloads');
});

function podTemplate(name: string, behaviour?: string): object {
  return {
    metadata: {
      labels: { app: name },
      annotations: behaviour ? { 'test.sluice.dev/behaviour': behaviour } : {},
    },
    spec: { restartPolicy: 'Always', containers: [{ name: 'main', image: 'example/app' }] },
  };
}

function deployment(name: string, behaviour?: string): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: podTemplate(name, behaviour),
    },
  } as KubeObject;
}

function job(name: string, behaviour?: string): KubeObject {
  const template = podTemplate(name, behaviour) as { spec: object };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace },
    spec: {
      backoffLimit: 0,
      template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } },
    },
  } as KubeObject;
}

test('the pods of a Deployment get ready', async () => {
  await client.create(deployments, deployment('web'));
  await until<WithStatus>(
    client,
    deployments,
    { namespace, name: 'web' },
    (o) => o.status?.readyReplicas === 2,
  );
});

test('a Job completes', async () => {
  await client.create(jobs, job('once'));
  await until<WithStatus>(
    client,
    jobs,
    { namespace, name: 'once' },
    (o) => o.status?.succeeded === 1,
  );
});

test('a Job whose pod is told to fail fails', async () => {
  await client.create(jobs, job('bad', 'fail'));
  await until<WithStatus>(client, jobs, { namespace, name: 'bad' }, (o) => o.status?.failed === 1);
});

test('a pod that is told to stay pending does', async () => {
  await client.create(deployments, deployment('slow', 'pending'));
  const labelSelector = 'app=slow';
  await until<WithStatus>(client, deployments, { namespace, name: 'slow' }, (o) => {
    const status = o.status as { unavailableReplicas?: number } | undefined;
    return status?.unavailableReplicas === 2;
  });
  const { items } = await client.list<WithStatus>(coreResources.pods, { namespace, labelSelector });
  expect(items.map((pod) => pod.status?.phase)).toEqual(['Pending', 'Pending']);
});
