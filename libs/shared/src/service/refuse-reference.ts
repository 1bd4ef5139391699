import type { KubeObject } from '@sluice/shared/api';
import { StalledError } from '@sluice/shared/base';

/** A reference from one object to another. */
export interface Reference {
  kind: string;
  name: string;
  namespace: string;
  /** Field of the object that refers, for messages. */
  field: string;
}

/** What references are allowed. */
export interface ReferenceRules {
  /** `--no-cross-namespace-refs`. */
  noCrossNamespaceRefs: boolean;
  /** The gate ExternalArtifact; only references to sources are asked about it. */
  externalArtifacts?: boolean;
}

/**
 * Refuses a reference that the flags do not allow.
 *
 * @param fix ends the message about another namespace; not given, it is to use a source of the own one
 * @throws StalledError AccessDenied that names the field and the fix
 */
export function refuseReference(
  object: KubeObject,
  { kind, name, namespace, field }: Reference,
  rules: ReferenceRules,
  fix = `use a source in namespace '${object.metadata.namespace}'`,
): void {
  const shown = `'${kind}/${namespace}/${name}' of ${field}`;
  if (rules.noCrossNamespaceRefs && namespace !== object.metadata.namespace) {
    throw new StalledError(
      'AccessDenied',
      `can't access ${shown}, cross-namespace references have been blocked: ${fix}`,
    );
  }
  if (kind === 'ExternalArtifact' && rules.externalArtifacts === false) {
    throw new StalledError(
      'AccessDenied',
      `can't access ${shown}: the feature gate ExternalArtifact is disabled`,
    );
  }
}
