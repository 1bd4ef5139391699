import type { KubeObject } from '@sluice/shared/api';
import { isCrd } from '../object/object-fields.ts';
import { isObjectId, type ObjectId, objectIdOf, parseObjectId } from '../object/object-id.ts';

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

/**
 * Returns the entries of an inventory in the order in which their objects are applied, as Flux keeps them. Entries whose
 * id cannot be read come last.
 *
 * @param o.customStageKinds as for {@link stagesOf}
 */
export function inApplyOrder<T extends { id: string; v: string }>(
  entries: readonly T[],
  o: { customStageKinds?: string[] } = {},
): T[] {
  const readable = entries
    .filter(({ id }) => isObjectId(id))
    .map((entry) => {
      const id = parseObjectId(entry.id);
      return { entry, id, stage: stageOf(id, entry.v, o.customStageKinds) };
    })
    .sort((a, b) => a.stage - b.stage || compareIds(a.id, b.id));
  return [...readable.map(({ entry }) => entry), ...entries.filter(({ id }) => !isObjectId(id))];
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
  return (
    (rankByKind.get(a.kind) ?? 0) - (rankByKind.get(b.kind) ?? 0) ||
    compareTexts(a.group, b.group) ||
    compareTexts(a.kind, b.kind) ||
    compareTexts(a.namespace, b.namespace) ||
    compareTexts(a.name, b.name)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
