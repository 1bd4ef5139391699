/**
 * How much a drift check costs: `AppliedState.isDrifted` against a digest of the whole object, the cheapest check that
 * does not know who owns what. Also the memory that the remembered state takes.
 *
 *   node --expose-gc bench/drift-check.ts
 */
import { hash } from 'node:crypto';
import type { KubeObject } from '@sluice/shared/api';
import {
  AppliedState,
  type ApplierIdentity,
  kubectlManagers,
  managersByPrefix,
  objectIdOf,
} from '@sluice/shared/engine';

const objects = 2_000;
const rounds = 50;

function fieldsOf(name: string): Record<string, unknown> {
  const leaves = (...names: string[]) => Object.fromEntries(names.map((key) => [`f:${key}`, {}]));
  const container = {
    '.': {},
    ...leaves('name', 'image', 'imagePullPolicy'),
    'f:env': { 'k:{"name":"LEVEL"}': { '.': {}, ...leaves('name', 'value') } },
    'f:ports': {
      'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, ...leaves('containerPort') },
    },
    'f:resources': { 'f:limits': leaves('cpu', 'memory'), 'f:requests': leaves('cpu', 'memory') },
    'f:livenessProbe': { 'f:httpGet': leaves('path', 'port') },
  };
  const pod = {
    'f:containers': { [`k:{"name":"${name}"}`]: container },
    ...leaves('serviceAccountName'),
  };
  return {
    'f:metadata': { 'f:labels': leaves('app', 'team', 'owner'), 'f:annotations': leaves('note') },
    'f:spec': {
      ...leaves('replicas', 'revisionHistoryLimit', 'selector'),
      'f:template': { 'f:metadata': { 'f:labels': leaves('app') }, 'f:spec': pod },
    },
  };
}

function deployment(index: number): KubeObject {
  const name = `app-${index}`;
  const status = (type: string) => ({
    type,
    status: 'True',
    reason: 'NewReplicaSetAvailable',
    message: `ReplicaSet "${name}-6d4cf56db6" has successfully progressed.`,
    lastUpdateTime: '2026-01-01T00:00:00Z',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace: 'bench',
      uid: `5f0c7a52-7d0b-4d5c-9d0a-${String(index).padStart(12, '0')}`,
      resourceVersion: String(1000 + index),
      generation: 1,
      labels: { app: name, team: 'blue', owner: 'bench' },
      annotations: { note: 'x'.repeat(80) },
      managedFields: [
        { manager: 'kustomize-controller', operation: 'Apply', fieldsV1: fieldsOf(name) },
      ],
    },
    spec: {
      replicas: 2,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { app: name } },
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
      },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          serviceAccountName: name,
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          dnsPolicy: 'ClusterFirst',
          schedulerName: 'default-scheduler',
          containers: [
            {
              name,
              image: `registry.example.com/${name}:1.2.3`,
              imagePullPolicy: 'IfNotPresent',
              env: [{ name: 'LEVEL', value: 'info' }],
              ports: [{ containerPort: 80, protocol: 'TCP' }],
              resources: {
                limits: { cpu: '1', memory: '1Gi' },
                requests: { cpu: '100m', memory: '128Mi' },
              },
              livenessProbe: { httpGet: { path: '/healthz', port: 80, scheme: 'HTTP' } },
              terminationMessagePath: '/dev/termination-log',
            },
          ],
        },
      },
    },
    status: {
      observedGeneration: 1,
      replicas: 2,
      readyReplicas: 2,
      conditions: [status('Available'), status('Progressing')],
    },
  } as KubeObject;
}

/** Microseconds per object of a check over all objects, the best round of all. */
function measure(live: KubeObject[], check: (object: KubeObject) => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    for (const object of live) check(object);
    best = Math.min(best, performance.now() - started);
  }
  return (best * 1000) / live.length;
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const identity: ApplierIdentity = {
  fieldManager: 'kustomize-controller',
  annotationPrefix: 'kustomize.toolkit.fluxcd.io',
  nameLabel: 'kustomize.toolkit.fluxcd.io/name',
  namespaceLabel: 'kustomize.toolkit.fluxcd.io/namespace',
  overridden: managersByPrefix(kubectlManagers),
};

function main(): void {
  const applied = Array.from({ length: objects }, (_, index) => deployment(index));
  const before = heapBytes();
  const state = new AppliedState(identity);
  state.record('owner', applied);
  const bytes = (heapBytes() - before) / objects;
  // Every check sees a new version of the object, as after a change of its status.
  let version = 1_000_000;
  const live = applied.map((object) => ({ ...object, metadata: { ...object.metadata } }));
  const ids = new Map(live.map((object) => [object, objectIdOf(object)]));
  const owned = measure(live, (object) => {
    object.metadata.resourceVersion = String(version++);
    return state.isDrifted(object, ids.get(object) ?? objectIdOf(object));
  });
  const whole = measure(live, (object) => hash('sha256', JSON.stringify(object), 'base64'));
  const drifted = live.filter((object) => state.isDrifted(object, objectIdOf(object))).length;
  console.log(`objects: ${objects}, wrongly found drifted: ${drifted}`);
  console.log(`isDrifted: ${owned.toFixed(1)} µs per object`);
  console.log(`digest of the whole object: ${whole.toFixed(1)} µs per object`);
  console.log(`ratio: ${(owned / whole).toFixed(2)}`);
  console.log(
    `memory: ${Math.round(bytes)} bytes per object${globalThis.gc ? '' : ' (run with --expose-gc)'}`,
  );
}

main();
