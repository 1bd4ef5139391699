import type { KubeObject } from '@sluice/shared/api';
import { isCrd } from '../object/object-fields.ts';
import { formatObjectId, type ObjectId, objectIdOf } from '../object/object-id.ts';

/** Kinds that others rely on, in the order in which they are started. */
const firstKinds = [
  'CustomResourceDefinition',
  'Namespace',
  'ClusterRole',
  'ClusterClass',
  'RuntimeClass',
  'PriorityClass',
  'StorageClass',
  'VolumeSnapshotClass',
  'IngressClass',
  'GatewayClass',
  'ClusterRoleBinding',
  'ResourceQuota',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ConfigMap',
  'Secret',
  'Service',
  'LimitRange',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
];

/** Kinds that act upon the admission of others, so that their servers should stand before them. */
const lastKinds = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

const rankByKind = new Map<string, number>([
  ...firstKinds.map((kind, index): [string, number] => [kind, index - firstKinds.length]),
  ...lastKinds.map((kind, index): [string, number] => [kind, index + 1]),
]);

/** Stage numbers: definitions, classes, custom kinds, everything else, admission webhooks. */
const stageCount = 5;

interface GroupKind {
  group: string;
  kind: string;
}

/**
 * Splits objects into stages: definitions (CRDs, Namespaces, ClusterRoles), classes, the kinds named in
 * `customStageKinds`, the rest, and admission webhooks. Each stage relies on the ones before it. Empty stages are
 * left out; within a stage, kinds that others rely on come first.
 *
 * @param o.customStageKinds kinds as `<group>/<kind>`, or `<kind>` for the core group
 */
export function stagesOf(
  objects: KubeObject[],
  o: { customStageKinds?: string[] } = {},
): KubeObject[][] {
  const sorted = objects
    .map((object) => ({ object, id: objectIdOf(object) }))
    .sort((a, b) => compareIds(a.id, b.id));
  const stages: KubeObject[][] = Array.from({ length: stageCount }, () => []);
  for (const { object, id } of sorted) {
    stages[stageOf(id, object.apiVersion, o.customStageKinds)]?.push(object);
  }
  return stages.filter((stage) => stage.length > 0);
}

/** Splits identities into stages, the first to be deleted first: the reverse of {@link stagesOf}. */
export function pruneStagesOf<T extends { id: ObjectId }>(items: T[]): T[][] {
  const stages: T[][] = Array.from({ length: stageCount }, () => []);
  for (const item of items.toSorted((a, b) => compareIds(b.id, a.id))) {
    stages[stageCount - 1 - stageOf(item.id)]?.push(item);
  }
  return stages.filter((stage) => stage.length > 0);
}

function stageOf(id: GroupKind, apiVersion?: string, customStageKinds?: string[]): number {
  if (isDefinition(id)) return 0;
  if (id.kind.endsWith('Class')) return 1;
  const name = id.group === '' ? id.kind : `${id.group}/${id.kind}`;
  if (apiVersion !== undefined && customStageKinds?.includes(name)) return 2;
  return lastKinds.includes(id.kind) && id.group === 'admissionregistration.k8s.io' ? 4 : 3;
}

function isDefinition({ group, kind }: GroupKind): boolean {
  return (
    isCrd({ apiVersion: `${group}/v1`, kind }) ||
    (kind === 'Namespace' && group === '') ||
    (kind === 'ClusterRole' && group === 'rbac.authorization.k8s.io')
  );
}

function compareIds(a: ObjectId, b: ObjectId): number {
  const rank = (rankByKind.get(a.kind) ?? 0) - (rankByKind.get(b.kind) ?? 0);
  if (rank !== 0) return rank;
  const left = `${a.group} ${a.kind} ${formatObjectId(a)}`;
  const right = `${b.group} ${b.kind} ${formatObjectId(b)}`;
  return left < right ? -1 : left > right ? 1 : 0;
}
