import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, gvkOf, type KubeClient, keyOf } from '@sluice/shared/kube';

function named(apiVersion: string, kind: string, plural: string, namespaced = true): ApiResource {
  return { ...gvkOf({ apiVersion, kind }), plural, namespaced };
}

/** Everything that belongs to somebody's workloads, made by controllers of the cluster included. */
const resources: ApiResource[] = [
  named('v1', 'Namespace', 'namespaces', false),
  named('v1', 'Pod', 'pods'),
  named('v1', 'Service', 'services'),
  named('v1', 'ConfigMap', 'configmaps'),
  named('v1', 'Secret', 'secrets'),
  named('apps/v1', 'Deployment', 'deployments'),
  named('apps/v1', 'ReplicaSet', 'replicasets'),
  named('apps/v1', 'StatefulSet', 'statefulsets'),
  named('apps/v1', 'DaemonSet', 'daemonsets'),
  named('batch/v1', 'CronJob', 'cronjobs'),
  named('batch/v1', 'Job', 'jobs'),
  named('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  named('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  named('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  named('networking.k8s.io/v1', 'Ingress', 'ingresses'),
  named('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  named('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false),
  named('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false),
  named('example.com/v1', 'Widget', 'widgets'),
  named('example.com/v1', 'Queue', 'queues'),
];

/** Objects by kind and name, without what says how they are: equal ones were not written to, not even with the same. */
export type Live = Record<string, KubeObject>;

const isOurs = ({ metadata }: KubeObject) =>
  ['shop', 'releases'].includes(metadata.namespace ?? metadata.name) ||
  metadata.labels?.['kustomize.toolkit.fluxcd.io/name'] === 'infra' ||
  metadata.name === 'queues.example.com';

function withoutStatus(object: KubeObject & { status?: unknown }): KubeObject {
  const { status: _, metadata, ...rest } = object;
  const { resourceVersion: __, managedFields, ...kept } = metadata;
  const fields = managedFields?.filter(({ subresource }) => subresource === undefined);
  return { ...rest, metadata: { ...kept, managedFields: fields } };
}

/** Returns every object of the workloads. */
export async function liveObjects(client: KubeClient): Promise<Live> {
  const lists = await Promise.all(resources.map((resource) => client.list<KubeObject>(resource)));
  const entries = lists.flatMap(({ items }, i) =>
    items
      .filter(isOurs)
      .map((object): [string, KubeObject] => [
        `${resources[i]?.kind} ${keyOf(object.metadata)}`,
        withoutStatus(object),
      ]),
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns one of them with whatever fields it has. */
export function objectOf(live: Live, name: string): KubeObject & Record<string, unknown> {
  const object = live[name];
  if (object === undefined) throw new Error(`there is no ${name}`);
  return object as KubeObject & Record<string, unknown>;
}

/** Names the objects that were written to, made or deleted in between. */
export function changedBetween(before: Live, after: Live): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !isDeepStrictEqual(before[name], after[name])).sort();
}

/** Returns what objects are and do, without who has written it and their labels. */
export function withoutMetadata(live: Live): Record<string, unknown> {
  const entries = Object.entries(live).map(([name, { metadata, ...rest }]) => [
    name,
    { ...rest, uid: metadata.uid, generation: metadata.generation },
  ]);
  return Object.fromEntries(entries);
}
