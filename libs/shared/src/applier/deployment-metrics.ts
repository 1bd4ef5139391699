import {
  type Artifact,
  commitTimeFact,
  factPrefix,
  type KubeObject,
  ociCreatedKey,
} from '@sluice/shared/api';
import { keyOf, parseKey } from '@sluice/shared/kube';
import { conditionsOf, findCondition, readyCondition } from '@sluice/shared/runtime';
import { Counter, Histogram, type Registry } from 'prom-client';

/** What an applier says of its deployments. */
interface DeployedObject extends KubeObject {
  status?: { lastAttemptedRevision?: string; lastAttemptedConfigDigest?: string };
}

/** What is remembered of an object between its states. */
interface Known {
  uid: string | undefined;
  /** What was last deployed with success, and what has failed last. */
  succeeded?: string | undefined;
  failed?: string | undefined;
  /** Digest of the artifact that was last deployed with success. */
  artifact?: string | undefined;
  /** Milliseconds since the epoch; undefined while it is ready. */
  failingSince?: number | undefined;
}

/** Counts deployments, by what the objects say of themselves. */
export interface DeploymentMetrics {
  /** Hears of each state of an object. */
  seen(object: KubeObject): void;
  /** Drops what is kept for a deleted object. */
  forget(key: string): void;
}

const identity = ['kind', 'name', 'namespace'] as const;
/** Reason of the Ready condition of what was gone back from. */
const rolledBackReason = 'RolledBack';
const results = ['succeeded', 'failed'] as const;

/** From 5 s to a day. */
const buckets = [5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400];

function register(registry: Registry) {
  const registers = [registry];
  const labelNames = identity;
  return {
    deployments: new Counter({
      name: 'sluice_deployments_total',
      help: 'Revisions that were deployed, by whether the object became ready with them.',
      labelNames: [...identity, 'result'],
      registers,
    }),
    commitToReady: new Histogram({
      name: 'sluice_commit_to_ready_seconds',
      help: 'Time from a commit, or else from its artifact, until it was deployed and ready.',
      labelNames,
      buckets,
      registers,
    }),
    restore: new Histogram({
      name: 'sluice_restore_seconds',
      help: 'Time from the failure of an object until it was ready again.',
      labelNames,
      buckets,
      registers,
    }),
  };
}

/**
 * Registers the metrics of deployments.
 *
 * @param o `artifactOf` returns what an object deploys now, as far as it is known; `now` is in milliseconds since the epoch
 */
export function createDeploymentMetrics<T extends KubeObject>(
  registry: Registry,
  o: { kind: string; artifactOf(object: T): Artifact | undefined; now(): number },
): DeploymentMetrics {
  const metrics = register(registry);
  const known = new Map<string, Known>();
  const labelsOf = (key: string) => {
    const { name, namespace = '' } = parseKey(key);
    return { kind: o.kind, name, namespace };
  };
  return {
    seen(object) {
      const key = keyOf(object);
      const before = known.get(key);
      const isNew = before?.uid !== object.metadata.uid;
      const state: Known = before === undefined || isNew ? { uid: object.metadata.uid } : before;
      known.set(key, state);
      const artifact = o.artifactOf(object as T);
      const change = changeOf(object, state, artifact);
      // What a process finds at its start was counted by the one before.
      if (isNew) return;
      const labels = labelsOf(key);
      if (change.result) metrics.deployments.inc({ ...labels, result: change.result });
      if (change.restoredAfterMs !== undefined)
        metrics.restore.observe(labels, change.restoredAfterMs / 1000);
      if (change.result === 'succeeded' && change.isNewArtifact && artifact !== undefined)
        metrics.commitToReady.observe(labels, leadTimeMs(object, artifact, o.now()) / 1000);
    },
    forget(key) {
      known.delete(key);
      const labels = labelsOf(key);
      for (const result of results) metrics.deployments.remove({ ...labels, result });
      metrics.commitToReady.remove(labels);
      metrics.restore.remove(labels);
    },
  };
}

interface Change {
  result?: (typeof results)[number];
  isNewArtifact?: boolean;
  restoredAfterMs?: number;
}

/** Notes a state of an object, and returns what is new in it. */
function changeOf(object: KubeObject, state: Known, artifact: Artifact | undefined): Change {
  const { lastAttemptedRevision, lastAttemptedConfigDigest = '' } =
    (object as DeployedObject).status ?? {};
  const ready = findCondition(conditionsOf(object), readyCondition);
  if (ready === undefined || lastAttemptedRevision === undefined) return {};
  const deployed = `${lastAttemptedRevision} ${lastAttemptedConfigDigest}`;
  const at = Date.parse(ready.lastTransitionTime);
  if (ready.status === 'False') {
    state.failingSince ??= at;
    // What was deployed with success and is gone back from has failed all the same.
    const isUndone = ready.reason === rolledBackReason;
    if (deployed === state.failed || (deployed === state.succeeded && !isUndone)) return {};
    state.failed = deployed;
    return { result: 'failed' };
  }
  if (ready.status !== 'True') return {};
  const change: Change = {};
  if (state.failingSince !== undefined)
    change.restoredAfterMs = Math.max(0, at - state.failingSince);
  state.failingSince = undefined;
  if (deployed === state.succeeded) return change;
  change.result = 'succeeded';
  change.isNewArtifact = artifact !== undefined && artifact.digest !== state.artifact;
  state.succeeded = deployed;
  state.failed = undefined;
  state.artifact = artifact?.digest;
  return change;
}

/** From the commit, but not before there was an object to deploy it. */
function leadTimeMs(object: KubeObject, artifact: Artifact, nowMs: number): number {
  const { metadata = {}, lastUpdateTime } = artifact;
  const committed = metadata[`${factPrefix}${commitTimeFact}`] ?? metadata[ociCreatedKey];
  const times = [committed, lastUpdateTime].map((time) => Date.parse(time ?? ''));
  const from = times.find((ms) => !Number.isNaN(ms)) ?? nowMs;
  const created = Date.parse(object.metadata.creationTimestamp ?? '');
  return Math.max(0, nowMs - Math.max(from, Number.isNaN(created) ? 0 : created));
}
