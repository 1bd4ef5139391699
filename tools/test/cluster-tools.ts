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
];

/** What only the tests in test/e2e run. */
export const e2eTools: ToolName[] = ['flux-kustomize-controller', 'flux-helm-controller'];

/**
 * What some tests run that are left out where it is not built, since that takes some ten minutes of processor time, and
 * 400 MB of modules and 1.3 GB of Go's cache. SLUICE_GITEA=required builds it.
 */
export const optionalTools: ToolName[] = ['gitea'];
