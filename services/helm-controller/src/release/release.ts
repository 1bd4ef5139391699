/**
 * A Helm release in the form in which Helm stores it: the names are those of its JSON.
 *
 * @see https://pkg.go.dev/helm.sh/helm/v4/pkg/release/v1#Release
 */
export interface Release {
  name: string;
  namespace: string;
  /** Number of the revision; the first is 1. */
  version: number;
  info: ReleaseInfo;
  chart: Chart;
  /** Values of the user, without the chart's defaults. */
  config?: Values;
  /** Documents without the hooks, as Helm writes them. */
  manifest: string;
  hooks?: Hook[];
  /** Server-side or client-side apply; releases from before Helm 4 have none, and were applied on the client. */
  apply_method?: 'ssa' | 'csa';
  /** Labels that a person gave the release. Kept as labels of the Secret, not in its JSON. */
  labels?: Record<string, string>;
}

/** State of a release; times are RFC 3339, absent instead of zero. */
export interface ReleaseInfo {
  first_deployed?: string;
  last_deployed?: string;
  deleted?: string;
  description?: string;
  status: ReleaseStatus;
  /** Revision to which a rollback went; only of a release that a rollback made. */
  rollback_revision?: number;
  notes?: string;
}

/** State of a release in the words of Helm. */
export type ReleaseStatus =
  | 'unknown'
  | 'deployed'
  | 'uninstalled'
  | 'superseded'
  | 'failed'
  | 'uninstalling'
  | 'pending-install'
  | 'pending-upgrade'
  | 'pending-rollback';

/** When a hook runs. */
export type HookEvent =
  | 'pre-install'
  | 'post-install'
  | 'pre-delete'
  | 'post-delete'
  | 'pre-upgrade'
  | 'post-upgrade'
  | 'pre-rollback'
  | 'post-rollback'
  | 'test';

/** When the object of a hook is deleted. */
export type HookDeletePolicy = 'hook-succeeded' | 'hook-failed' | 'before-hook-creation';

/** When the logs of a hook's pods are read. */
export type HookOutputLogPolicy = 'hook-succeeded' | 'hook-failed';

/** How far a run of a hook came; the empty string before the first one. */
export type HookPhase = '' | 'Unknown' | 'Running' | 'Succeeded' | 'Failed';

/** The last run of a hook; times are RFC 3339. */
export interface HookExecution {
  started_at?: string;
  completed_at?: string;
  phase: HookPhase;
}

/** One object that runs at some events of a release. */
export interface Hook {
  name: string;
  kind: string;
  /** Path of the template in the chart. */
  path: string;
  manifest: string;
  events: HookEvent[];
  last_run: HookExecution;
  /** Lower ones run first; 0 unless told. */
  weight?: number;
  delete_policies?: HookDeletePolicy[];
  output_log_policies?: HookOutputLogPolicy[];
}

/** What is read of a chart's Chart.yaml; the other fields are kept as they are. */
export interface ChartMetadata {
  name: string;
  version: string;
  apiVersion?: string;
  appVersion?: string;
  description?: string;
  type?: string;
  kubeVersion?: string;
  deprecated?: boolean;
  annotations?: Record<string, string>;
  [field: string]: unknown;
}

/** The chart as stored with a release; opaque beyond its metadata. */
export interface Chart {
  metadata: ChartMetadata;
  [field: string]: unknown;
}

/** Values of a chart. */
export type Values = Record<string, unknown>;

/** Names one revision of a release. */
export interface RevisionKey {
  name: string;
  version: number;
}

const pendingStatuses: readonly ReleaseStatus[] = [
  'pending-install',
  'pending-upgrade',
  'pending-rollback',
];

/** Whether an action on the release has begun and was not recorded as ended. */
export function isPending(release: Release): boolean {
  return pendingStatuses.includes(release.info.status);
}

/** Whether a hook runs at an event. */
export function runsAt(hook: Hook, event: HookEvent): boolean {
  return hook.events.includes(event);
}

/** Names a revision for people, as `<namespace>/<name>.v<version>`. */
export function revisionName(release: Pick<Release, 'name' | 'namespace' | 'version'>): string {
  return `${release.namespace}/${release.name}.v${release.version}`;
}
