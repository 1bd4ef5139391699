import type { KubeObject } from '@sluice/shared/api';

/** How an object is applied: `<prefix>/ssa`. */
export type ApplyPolicy = 'Override' | 'Merge' | 'IfNotPresent' | 'Ignore';

const applyPolicies: ApplyPolicy[] = ['Override', 'Merge', 'IfNotPresent', 'Ignore'];

/** Whether a label or an annotation of the object has the value, whatever its case. */
export function hasMark(object: KubeObject, key: string, value: string): boolean {
  const { labels, annotations } = object.metadata;
  const wanted = value.toLowerCase();
  return labels?.[key]?.toLowerCase() === wanted || annotations?.[key]?.toLowerCase() === wanted;
}

/** Returns the policy by which the object wants to be applied; Override when it names none that is known. */
export function applyPolicyOf(object: KubeObject, annotationPrefix: string): ApplyPolicy {
  const key = `${annotationPrefix}/ssa`;
  return applyPolicies.find((policy) => hasMark(object, key, policy)) ?? 'Override';
}

/** Whether the object is taken out of reconciliation by `<prefix>/reconcile: disabled` or `<prefix>/ssa: Ignore`. */
export function isExcluded(object: KubeObject, annotationPrefix: string): boolean {
  return (
    hasMark(object, `${annotationPrefix}/reconcile`, 'disabled') ||
    applyPolicyOf(object, annotationPrefix) === 'Ignore'
  );
}

/** Whether the source or the cluster asks to leave an object as it is; `live` is undefined when it is not there. */
export function isLeftAlone(
  desired: KubeObject,
  live: KubeObject | undefined,
  annotationPrefix: string,
): boolean {
  if (isExcluded(desired, annotationPrefix)) return true;
  if (live === undefined) return false;
  return (
    isExcluded(live, annotationPrefix) ||
    applyPolicyOf(desired, annotationPrefix) === 'IfNotPresent'
  );
}

/** Whether the object must outlive its removal from the source. */
export function isKeptFromPruning(object: KubeObject, annotationPrefix: string): boolean {
  return (
    hasMark(object, `${annotationPrefix}/prune`, 'disabled') || isExcluded(object, annotationPrefix)
  );
}

/** Whether the object wants to be recreated when an immutable field changes. */
export function wantsForce(object: KubeObject, annotationPrefix: string): boolean {
  return hasMark(object, `${annotationPrefix}/force`, 'enabled');
}

/** A writer of fields: its manager name or the start of it, and its kind of operation. */
export interface ManagerMatch {
  prefix: string;
  operation: 'Apply' | 'Update';
  /** The prefix is the whole name. */
  exact?: boolean;
}

/** Starts of the names of every kubectl command but those with an explicit `--field-manager`. */
export const kubectlManagers: readonly string[] = ['kubectl', 'before-first-apply'];

/** Returns what matches the field managers whose names start with one of the texts, whatever their operation. */
export function managersByPrefix(prefixes: readonly string[]): ManagerMatch[] {
  return prefixes.flatMap((prefix): ManagerMatch[] => [
    { prefix, operation: 'Apply' },
    { prefix, operation: 'Update' },
  ]);
}

/** Whether a managedFields entry is of one of the managers; entries of subresources never are. */
export function isOverridden(
  entry: { manager?: string; operation?: string; subresource?: string },
  managers: readonly ManagerMatch[],
): boolean {
  if (entry.subresource) return false;
  return managers.some(
    ({ prefix, operation, exact }) =>
      entry.operation === operation &&
      (exact ? entry.manager === prefix : entry.manager?.startsWith(prefix)),
  );
}
