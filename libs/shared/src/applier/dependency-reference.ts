import {
  helmReleaseKind,
  isApiVersion,
  isKindName,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
} from '@sluice/shared/api';
import { StalledError } from '@sluice/shared/base';
import type { Applier } from '@sluice/shared/engine';
import { type GroupVersionKind, gvkOf, keyOf, type ObjectKey } from '@sluice/shared/kube';
import { invalidSpecReason } from '@sluice/shared/runtime';

/** An entry of `spec.dependsOn`. */
export interface DependencyReference {
  apiVersion?: string;
  kind?: string;
  name: string;
  namespace?: string;
  ready?: boolean;
  readyExpr?: string;
}

/** An object that depends on others. */
export interface Dependant extends Applier {
  spec: Applier['spec'] & {
    dependsOn?: DependencyReference[];
    healthCheckExprs?: { apiVersion: string; kind?: string; current: string }[];
  };
}

/** An object of any kind that something depends on. */
export interface ObjectReference {
  gvk: GroupVersionKind;
  key: ObjectKey;
}

/** The kinds whose objects depend on others. */
const applierKinds = new Map<string, KindDefinition>([
  [kustomizationKind.kind, kustomizationKind as KindDefinition],
  [helmReleaseKind.kind, helmReleaseKind as KindDefinition],
]);

/** Of kinds other than those that depend on others, an object may name so many; each is a request. */
const maxObjects = 100;

/** Returns the kind of that name whose objects depend on others. */
export function applierKindOf(kind: string): KindDefinition {
  const found = applierKinds.get(kind);
  if (found === undefined) throw new Error(`objects of kind ${kind} depend on nothing`);
  return found;
}

/** Returns the other kind whose objects depend on others. */
export function otherApplierKind(own: string): KindDefinition {
  return own === helmReleaseKind.kind
    ? applierKindOf(kustomizationKind.kind)
    : applierKindOf(helmReleaseKind.kind);
}

/**
 * Returns the identity of a Kustomization or HelmRelease that is depended upon, `<kind>/<namespace>/<name>`; undefined
 * for an object of another kind.
 *
 * @param own the kind of what depends, which a reference means that names none
 */
export function applierIdOf(
  object: KubeObject,
  reference: DependencyReference,
  own: string,
): string | undefined {
  const { apiVersion, name } = reference;
  const kind = reference.kind || own;
  const definition = applierKinds.get(kind);
  if (definition === undefined) return undefined;
  if (apiVersion && gvkOf({ apiVersion, kind }).group !== definition.group) return undefined;
  const namespace = reference.namespace || object.metadata.namespace;
  return `${kind}/${keyOf({ namespace, name })}`;
}

/**
 * Returns the identities of all Kustomizations and HelmReleases that an object of a kind depends on; of one without a
 * spec, which its schema lets through, there are none.
 */
export function applierIdsOf(
  object: KubeObject & { spec?: Pick<Dependant['spec'], 'dependsOn'> },
  kind: string,
): string[] {
  const dependsOn = object.spec?.dependsOn ?? [];
  return dependsOn.flatMap((reference) => applierIdOf(object, reference, kind) ?? []);
}

function wrong(problem: string): StalledError {
  return new StalledError(invalidSpecReason, problem);
}

/**
 * Reads a reference to an object of another kind.
 *
 * @param field where it stands, for messages
 * @throws StalledError InvalidSpec when it cannot be the name of any kind
 */
export function objectReferenceOf(
  object: KubeObject,
  { apiVersion, kind, name, namespace }: DependencyReference,
  field: string,
): ObjectReference {
  if (!kind) throw wrong(`${field}.kind is missing, without which apiVersion says nothing: add it`);
  if (!isKindName(kind))
    throw wrong(`${field}.kind '${kind}' is no name of a kind: write it as in a manifest`);
  if (!apiVersion)
    throw wrong(`${field}.apiVersion is missing: kind ${kind} needs one, such as v1 or apps/v1`);
  if (!isApiVersion(apiVersion))
    throw wrong(`${field}.apiVersion '${apiVersion}' is no API version: write it as in a manifest`);
  const key = { name, namespace: namespace || object.metadata.namespace };
  return { gvk: gvkOf({ apiVersion, kind }), key };
}

/**
 * Refuses an object that depends on too many others to ask for each of them.
 *
 * @throws StalledError InvalidSpec
 */
export function checkReferenceCount(object: Dependant, own: string): void {
  const others = (object.spec.dependsOn ?? []).filter(
    (reference) => applierIdOf(object, reference, own) === undefined,
  );
  if (others.length <= maxObjects) return;
  throw wrong(
    `spec.dependsOn names ${others.length} objects of other kinds than Kustomization and HelmRelease, more than ${maxObjects}: wait for a Kustomization that has them in spec.healthChecks`,
  );
}
