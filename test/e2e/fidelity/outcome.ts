import {
  type Condition,
  type KubeObject,
  kustomizationKind,
  kustomizationNameLabel,
  kustomizationNamespaceLabel,
} from '@sluice/shared/api';
import { type ApiResource, gvkOf, type KubeClient, keyOf, resourceOf } from '@sluice/shared/kube';
import { findCondition, readyCondition } from '@sluice/shared/runtime';
import { until, untilGone } from '@sluice/testing';
import type { FidelityCase } from './cases.ts';
import { type FidelityWorld, home, type Mode, revision, type Side } from './world.ts';

const timeoutMs = 240_000;
const kustomizations = resourceOf(kustomizationKind);

/** What a controller has made of a case. */
export interface Outcome {
  ready: string;
  reason: string;
  message: string;
  /** In its order, each entry as its id and version. */
  inventory: string[];
  /** What is in the cluster, by kind and name. */
  objects: Record<string, unknown>;
}

export type Outcomes = Map<string, Outcome>;

type Reconciled = KubeObject & {
  status?: {
    lastAppliedRevision?: string;
    conditions?: Condition[];
    inventory?: { entries: { id: string; v: string }[] };
  };
};

/** Whether a reconcile is over; Flux writes conditions before the rest of the status. */
const hasEnded = ({ status, metadata }: Reconciled) => {
  const ready = findCondition(status?.conditions ?? [], readyCondition);
  if (ready?.observedGeneration !== metadata.generation) return false;
  return ready?.status === 'True'
    ? status?.lastAppliedRevision === revision
    : ready?.status === 'False';
};

const kustomizationOf = ({ id, source, spec }: FidelityCase): KubeObject & { spec: object } => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name: id, namespace: home },
  spec: {
    interval: '1h',
    prune: true,
    sourceRef: { kind: 'ExternalArtifact', name: source },
    ...spec,
  },
});

/** Kinds that cases apply; custom ones are looked up. */
const kinds: [apiVersion: string, kind: string][] = [
  ['v1', 'ConfigMap'],
  ['v1', 'Secret'],
  ['v1', 'Service'],
  ['v1', 'ServiceAccount'],
  ['v1', 'Namespace'],
  ['apps/v1', 'Deployment'],
  ['batch/v1', 'CronJob'],
  ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['rbac.authorization.k8s.io/v1', 'Role'],
  ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
  ['scheduling.k8s.io/v1', 'PriorityClass'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRoleBinding'],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
  ['kustomize.toolkit.fluxcd.io/v1', 'Kustomization'],
];

async function resourcesOf(world: FidelityWorld): Promise<ApiResource[]> {
  const native = await Promise.all(
    kinds.map(([apiVersion, kind]) => world.resource({ apiVersion, kind })),
  );
  const definitions = await world.client.list(
    await world.resource({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
    }),
  );
  const groups = definitions.items
    .filter(({ metadata }) => metadata.name.startsWith('things.'))
    .map(({ metadata }) => metadata.name.slice('things.'.length));
  const custom = groups.map((group) => ({
    ...{ ...gvkOf({ apiVersion: `${group}/v1`, kind: 'Thing' }), plural: 'things' },
    namespaced: true,
  }));
  return [...native, ...custom];
}

/** Fields that the cluster chooses, or its controllers write. */
const chosen: Record<string, readonly string[]> = {
  Service: ['clusterIP', 'clusterIPs'],
};

/** Returns what was asked of an object, without what differs each time that it is made. */
function shownObject(object: KubeObject): unknown {
  const {
    metadata,
    status: _,
    ...rest
  } = object as KubeObject & { status?: unknown; spec?: object };
  const { uid: __, resourceVersion, creationTimestamp, managedFields, ...kept } = metadata;
  const { annotations, finalizers, ...others } = kept;
  const { 'deployment.kubernetes.io/revision': ___, ...notes } = annotations ?? {};
  const spec = Object.entries(rest.spec ?? {}).filter(
    ([name]) => !chosen[object.kind]?.includes(name),
  );
  return {
    ...rest,
    ...(rest.spec && { spec: Object.fromEntries(spec.map(([k, v]) => [k, withoutNodePorts(v)])) }),
    metadata: { ...others, annotations: notes },
  };
}

function withoutNodePorts(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((each) => {
    if (typeof each !== 'object' || each === null) return each;
    const { nodePort: _, ...rest } = each as Record<string, unknown>;
    return rest;
  });
}

async function readObjects(world: FidelityWorld): Promise<Map<string, Record<string, unknown>>> {
  const byCase = new Map<string, Record<string, unknown>>();
  const options = { labelSelector: `${kustomizationNamespaceLabel}=${home}` };
  for (const resource of await resourcesOf(world)) {
    const { items } = await world.client.list<KubeObject>(resource, options);
    for (const object of items) {
      const id = object.metadata.labels?.[kustomizationNameLabel] ?? '';
      const name = `${resource.group}/${object.kind} ${keyOf(object.metadata)}`;
      byCase.set(id, { ...byCase.get(id), [name]: shownObject(object) });
    }
  }
  return byCase;
}

function outcomeOf(object: Reconciled, objects: Record<string, unknown> = {}): Outcome {
  const ready = findCondition(object.status?.conditions ?? [], readyCondition);
  return {
    ready: ready?.status ?? '',
    reason: ready?.reason ?? '',
    message: ready?.message ?? '',
    inventory: (object.status?.inventory?.entries ?? []).map(({ id, v }) => `${id} ${v}`),
    objects,
  };
}

async function createAll(client: KubeClient, cases: readonly FidelityCase[]): Promise<void> {
  await Promise.all(cases.map((one) => client.create(kustomizations, kustomizationOf(one))));
}

/** Deletes all Kustomizations, and waits until what they have made is pruned. */
async function deleteAll({ client }: FidelityWorld, cases: readonly FidelityCase[]): Promise<void> {
  const keys = cases.map(({ id }) => ({ namespace: home, name: id }));
  await Promise.all(keys.map((key) => client.delete(kustomizations, key)));
  await Promise.all(keys.map((key) => untilGone(client, kustomizations, key, { timeoutMs })));
  const namespaces = {
    group: '',
    version: 'v1',
    kind: 'Namespace',
    plural: 'namespaces',
    namespaced: false,
  };
  for (const { id } of cases.filter(({ makesNamespace }) => makesNamespace))
    await untilGone(client, namespaces, { name: id }, { timeoutMs });
}

/** What a controller is to reconcile, and how. */
export interface Pass extends Mode {
  side: Side;
  cases: readonly FidelityCase[];
  /** Leaves what it has made to the end of the world. */
  isLast?: boolean;
}

/** Has a controller reconcile cases, all at once, and takes everything back. */
export async function reconcileAll(
  world: FidelityWorld,
  { side, cases, isLast, ...mode }: Pass,
): Promise<Outcomes> {
  const stop = await world.start(side, mode);
  await createAll(world.client, cases);
  const keys = cases.map(({ id }) => ({ namespace: home, name: id }));
  const settled = await Promise.all(
    keys.map((key) =>
      until<Reconciled>(world.client, kustomizations, key, hasEnded, { timeoutMs }),
    ),
  );
  const objects = await readObjects(world);
  if (!isLast) await deleteAll(world, cases);
  await stop();
  return new Map(
    settled.map((object) => [
      object.metadata.name,
      outcomeOf(object, objects.get(object.metadata.name)),
    ]),
  );
}
