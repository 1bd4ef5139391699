import { bool, duration, type FieldOptions, opt, shortDuration, str } from './builders.ts';
import {
  artifact,
  conditions,
  lastHandledReconcileAt,
  observedGeneration,
  secretRef,
} from './common.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { sourceGroup } from './names.ts';

/** Categories of every source kind, as `kubectl get <category>` takes them. */
export const sourceCategories = ['all', 'fluxcd', 'fluxcd-sources'];

/** The part of a definition that all source kinds share. */
export const sourceKindBase = {
  group: sourceGroup,
  version: 'v1',
  categories: sourceCategories,
  namespaced: true,
  hasStatus: true,
} as const satisfies Partial<KindDefinition<KubeObject>>;

/** `spec.interval` of a source. */
export function sourceInterval(what: string) {
  return duration(
    `How often ${what} for changes; each wait is varied a little to spread the load.`,
  );
}

/** `spec.timeout` of a source. */
export function sourceTimeout(description: string, options: FieldOptions = { default: '60s' }) {
  return shortDuration(description, options);
}

/** `spec.suspend` of a source. */
export function sourceSuspend() {
  return bool('Stops reconciliation while true; the last artifact stays available.');
}

/** `spec.ignore` of a source. */
export function sourceIgnore() {
  return str(
    'Patterns, in the syntax of .gitignore, of files to leave out of the artifact. They follow those of the .sourceignore files; version control directories are always left out, and common binary and CI files when no pattern is given at all.',
  );
}

/** `certSecretRef` for connections to the given place. */
export function certSecretRef(place: string) {
  return secretRef(
    `Secret with TLS material for connections to ${place}: a client certificate in tls.crt and its key in tls.key, a certificate authority in ca.crt, or all three.`,
  );
}

/** `proxySecretRef` for connections to the given place. */
export function proxySecretRef(place: string) {
  return secretRef(
    `Secret with the proxy to use for connections to ${place}: address (http, https or socks5), and optionally username and password.`,
  );
}

/** The status fields which all source kinds but ExternalArtifact have. */
export function sourceStatusFields(artifactDescription: string) {
  return {
    observedGeneration: opt(observedGeneration()),
    conditions: opt(conditions()),
    artifact: opt(artifact(artifactDescription)),
    lastHandledReconcileAt: opt(lastHandledReconcileAt()),
  };
}

/** `status.url` of a source. */
export function latestUrl() {
  return str(
    'Address which always leads to the newest artifact, without guarantee; consumers that need a certain revision use status.artifact.',
  );
}

/** `status.observedIgnore` of a source. */
export function observedIgnore() {
  return str('Value of spec.ignore with which the current artifact was made.');
}
