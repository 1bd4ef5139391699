import type { ToolName } from '../provision/index.ts';

/** What the run-wide servers need. */
export const serverTools: ToolName[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
  'nats-server',
];

/** What tests run besides. */
export const commandTools: ToolName[] = [
  'kubectl',
  'kustomize',
  'kustomize-builder',
  'helm',
  'helm-renderer',
  'sops',
  'registry',
  'alertmanager',
  'flux',
  'promtool',
  'actionlint',
  'otlp-receiver',
  'notation-verifier',
  'notation',
  'versitygw',
];

/** Controllers of Flux, with which ours are compared. */
export const e2eTools: ToolName[] = [
  'flux-kustomize-controller',
  'flux-helm-controller',
  'flux-source-watcher',
];

/** Those with which benchmarks compare ours. */
export const fluxTools: ToolName[] = [
  'flux-source-controller',
  'flux-kustomize-controller',
  'flux-helm-controller',
];

/**
 * What some tests run that are left out where it is not built, since each takes some ten minutes of processor time, and
 * gitea 400 MB of modules and 1.3 GB of Go's cache. With the variable set to `required` it is built.
 */
export const optionalTools: { name: ToolName; variable: string }[] = [
  { name: 'gitea', variable: 'SLUICE_GITEA' },
  { name: 'cosign', variable: 'SLUICE_COSIGN' },
  { name: 'fake-gcs-server', variable: 'SLUICE_GCS' },
];
