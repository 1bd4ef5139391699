import type { HelmRelease } from '@sluice/shared/api';

type ValuesFrom = NonNullable<HelmRelease['spec']['valuesFrom']>[number];

/** Kinds of sources that values can be read from. */
export type ValuesSourceKind = Exclude<ValuesFrom['kind'], 'Secret' | 'ConfigMap'>;

/** An entry of spec.valuesFrom that names a source. */
export type SourceValuesFrom = ValuesFrom & { kind: ValuesSourceKind };

/** A source that values are read from. */
export interface ValuesSource {
  kind: ValuesSourceKind;
  name: string;
  namespace: string;
  /** Field of the HelmRelease, for messages. */
  field: string;
  /** It need not exist. */
  optional: boolean;
}

/** Whether an entry of spec.valuesFrom names a source rather than a ConfigMap or Secret. */
export function isSourceEntry(entry: ValuesFrom): entry is SourceValuesFrom {
  return entry.kind !== 'Secret' && entry.kind !== 'ConfigMap';
}

/** Returns the source of an entry of spec.valuesFrom. */
export function valuesSourceOf(
  object: HelmRelease,
  entry: SourceValuesFrom,
  field: string,
): ValuesSource {
  const { kind, name, namespace = object.metadata.namespace ?? '', optional = false } = entry;
  return { kind, name, namespace, field, optional };
}

/** Names the Secrets and ConfigMaps that a HelmRelease refers to, as `Secret/namespace/name`. */
export function configReferencesOf(object: HelmRelease): string[] {
  const { valuesFrom = [], kubeConfig } = object.spec;
  const found: { kind: string; name: string }[] = valuesFrom.filter((e) => !isSourceEntry(e));
  if (kubeConfig?.secretRef) found.push({ kind: 'Secret', name: kubeConfig.secretRef.name });
  if (kubeConfig?.configMapRef) {
    found.push({ kind: 'ConfigMap', name: kubeConfig.configMapRef.name });
  }
  return found.map(({ kind, name }) => `${kind}/${object.metadata.namespace}/${name}`);
}

/** Names the sources that a HelmRelease reads values from, as `GitRepository/namespace/name`. */
export function sourceReferencesOf(object: HelmRelease): string[] {
  return (object.spec.valuesFrom ?? []).filter(isSourceEntry).map((entry) => {
    const { kind, name, namespace } = valuesSourceOf(object, entry, '');
    return `${kind}/${namespace}/${name}`;
  });
}
