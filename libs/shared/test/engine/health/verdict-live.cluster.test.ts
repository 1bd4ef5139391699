import type { KubeObject } from '@sluice/shared/api';
import { computeHealth } from '@sluice/shared/engine';
import { coreResources, gvkOf, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildFluxVerdicts, buildTimeoutMs, type FluxVerdicts } from './flux-verdicts.ts';

let client: KubeClient;
let namespace: string;
let flux: FluxVerdicts;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'verdicts');
  flux = await buildFluxVerdicts();
}, buildTimeoutMs);
afterAll(() => flux.remove());

const annotationsOf = (behaviour: string) => ({ 'test.sluice.dev/behaviour': behaviour });

function template(behaviour: string, restartPolicy = 'Always', labels?: Record<string, string>) {
  return {
    metadata: { labels, annotations: annotationsOf(behaviour) },
    spec: { restartPolicy, containers: [{ name: 'main', image: 'example/x:1' }] },
  };
}

function objectOf([apiVersion, kind, name]: string[], parts: object = {}): KubeObject {
  return { apiVersion, kind, metadata: { name }, ...parts } as KubeObject;
}

/** Objects that the controllers of the cluster bring to different ends. */
function objects(): KubeObject[] {
  const workload = (kind: string, behaviour: string, more: object = {}) => {
    const labels = { app: `${kind}-${behaviour}` };
    return objectOf(['apps/v1', kind, behaviour], {
      spec: {
        ...(kind !== 'DaemonSet' && { replicas: 1 }),
        selector: { matchLabels: labels },
        template: template(behaviour, 'Always', labels),
        ...more,
      },
    });
  };
  const selector = { matchLabels: { app: 'Deployment-ready' } };
  const claimSpec = {
    accessModes: ['ReadWriteOnce'],
    storageClassName: '',
    resources: { requests: { storage: '1Mi' } },
  };
  const ports = [{ port: 80 }];
  const service = { name: 'x', port: { number: 80 } };
  const paths = [{ path: '/', pathType: 'Prefix', backend: { service } }];
  return [
    ...['ready', 'pending'].flatMap((behaviour) => [
      workload('Deployment', behaviour, { progressDeadlineSeconds: 600 }),
      workload('StatefulSet', behaviour, { serviceName: 'x' }),
      workload('DaemonSet', behaviour),
      workload('ReplicaSet', behaviour),
      objectOf(['v1', 'Pod', behaviour], {
        metadata: { name: behaviour, annotations: annotationsOf(behaviour) },
        spec: template(behaviour).spec,
      }),
    ]),
    ...['complete', 'pending', 'fail'].map((behaviour) =>
      objectOf(['batch/v1', 'Job', behaviour], {
        spec: { backoffLimit: 0, template: template(behaviour, 'Never') },
      }),
    ),
    objectOf(['batch/v1', 'Job', 'late'], {
      spec: { activeDeadlineSeconds: 1, template: template('pending', 'Never') },
    }),
    objectOf(['batch/v1', 'Job', 'failed-by-policy'], {
      spec: {
        backoffLimit: 6,
        podFailurePolicy: {
          rules: [{ action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [0] } }],
        },
        template: template('fail', 'Never'),
      },
    }),
    objectOf(['batch/v1', 'Job', 'done-by-policy'], {
      spec: {
        completionMode: 'Indexed',
        completions: 2,
        parallelism: 2,
        successPolicy: { rules: [{ succeededCount: 1 }] },
        template: template('complete', 'Never'),
      },
    }),
    objectOf(['batch/v1', 'Job', 'suspended'], {
      spec: { suspend: true, template: template('complete', 'Never') },
    }),
    objectOf(['batch/v1', 'CronJob', 'x'], {
      spec: {
        schedule: '0 0 1 1 *',
        jobTemplate: { spec: { template: template('complete', 'Never') } },
      },
    }),
    objectOf(['v1', 'PersistentVolumeClaim', 'x'], { spec: claimSpec }),
    objectOf(['v1', 'Service', 'x'], { spec: { ports } }),
    objectOf(['v1', 'Service', 'balanced'], { spec: { type: 'LoadBalancer', ports } }),
    objectOf(['networking.k8s.io/v1', 'Ingress', 'x'], { spec: { rules: [{ http: { paths } }] } }),
    objectOf(['policy/v1', 'PodDisruptionBudget', 'x'], { spec: { minAvailable: 1, selector } }),
    objectOf(['autoscaling/v2', 'HorizontalPodAutoscaler', 'x'], {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'ready' },
        maxReplicas: 2,
      },
    }),
    objectOf(['v1', 'ConfigMap', 'x'], { data: { a: 'b' } }),
    objectOf(['v1', 'Secret', 'x'], { stringData: { a: 'b' } }),
    objectOf(['v1', 'ServiceAccount', 'x']),
    objectOf(['v1', 'ConfigMap', 'held'], { metadata: { name: 'held', finalizers: ['x.dev/x'] } }),
  ];
}

async function resourceOf(object: KubeObject) {
  return client.mapper.resourceFor(gvkOf(object));
}

async function present(all: readonly KubeObject[]): Promise<KubeObject[]> {
  return Promise.all(
    all.map(async (object) =>
      client.get<KubeObject>(await resourceOf(object), { namespace, name: object.metadata.name }),
    ),
  );
}

/** Returns both verdicts on the objects as they are now, by name. */
async function verdicts(all: readonly KubeObject[]) {
  const live = await present(all);
  const theirs = await flux.of(live);
  const nameOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;
  return {
    ours: Object.fromEntries(live.map((each) => [nameOf(each), computeHealth(each).status])),
    theirs: Object.fromEntries(live.map((each, i) => [nameOf(each), theirs[i]?.status])),
  };
}

async function untilHealth(all: readonly KubeObject[], name: string, status: string) {
  const object = all.find(({ kind, metadata }) => `${kind} ${metadata.name}` === name);
  if (object === undefined) throw new Error(`there is no ${name}`);
  const key = { namespace, name: object.metadata.name };
  await until<KubeObject>(
    client,
    await resourceOf(object),
    key,
    (live) => computeHealth(live).status === status,
  );
}

test('live objects get the verdict that Flux gives them, on their way and at their end', async () => {
  const all = objects();
  for (const object of all) {
    const metadata = { ...object.metadata, namespace };
    await client.create(await resourceOf(object), { ...object, metadata });
  }
  const early = await verdicts(all);
  expect(early.ours).toEqual(early.theirs);
  await client.delete(coreResources.configMaps, { namespace, name: 'held' });
  const ends = {
    'Deployment ready': 'Current',
    'StatefulSet ready': 'Current',
    'DaemonSet ready': 'Current',
    'ReplicaSet ready': 'Current',
    'Pod ready': 'Current',
    'Job complete': 'Current',
    'Job suspended': 'Current',
    'Job fail': 'Failed',
    'Job late': 'Failed',
    'Job failed-by-policy': 'Failed',
    'Job done-by-policy': 'Current',
    'Job pending': 'InProgress',
    'Deployment pending': 'InProgress',
    'PersistentVolumeClaim x': 'InProgress',
    'ConfigMap held': 'Terminating',
  };
  for (const [name, status] of Object.entries(ends)) await untilHealth(all, name, status);
  const late = await verdicts(all);
  expect(late.ours).toEqual(late.theirs);
  const merge = { type: 'merge', fieldManager: 'test' } as const;
  const held = { namespace, name: 'held' };
  await client.patch(coreResources.configMaps, held, { metadata: { finalizers: null } }, merge);
});
