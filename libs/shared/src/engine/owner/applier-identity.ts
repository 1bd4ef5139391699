import type { KubeObject } from '@sluice/shared/api';
import type { ObjectKey } from '@sluice/shared/kube';
import type { ManagerMatch } from '../object/object-policy.ts';

/**
 * What an applier is to the API server and to the objects it applies: one value for all its applies, comparisons and
 * deletions, so that no two of them differ about what is its own.
 */
export interface ApplierIdentity {
  /** Under this name the API server records which fields are ours. */
  readonly fieldManager: string;
  /** Prefix of the annotations `ssa`, `force`, `prune` and `reconcile`. */
  readonly annotationPrefix: string;
  /** Labels by which an object names its owner. */
  readonly nameLabel: string;
  readonly namespaceLabel: string;
  /** Other managers whose fields are taken over. */
  readonly overridden: readonly ManagerMatch[];
  /** Leaves out fields that a built-in kind does not have, where the API server would refuse the object. */
  readonly leavesOutUnknown?: boolean;
}

/** Returns the key of the owner that an object names; undefined when it names none. */
export function namedOwner(
  { metadata }: KubeObject,
  { nameLabel, namespaceLabel }: Pick<ApplierIdentity, 'nameLabel' | 'namespaceLabel'>,
): string | undefined {
  const name = metadata.labels?.[nameLabel];
  const namespace = metadata.labels?.[namespaceLabel];
  return name && namespace ? `${namespace}/${name}` : undefined;
}

/** Whether the labels of an object name the owner. */
export function isOwnedBy(
  object: KubeObject,
  identity: ApplierIdentity,
  { namespace, name }: ObjectKey,
): boolean {
  return namedOwner(object, identity) === `${namespace}/${name}`;
}
