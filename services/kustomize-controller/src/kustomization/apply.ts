import { type KubeObject, kustomizeGroup } from '@sluice/shared/api';
import { joinLines, RetryableError } from '@sluice/shared/base';
import {
  type AppliedChange,
  applyObjects,
  displayName,
  evaluateHealth,
  formatObjectId,
  type HealthRules,
  inventoryOf,
  mergeInventories,
  parseObjectId,
  subtractInventory,
  type Target,
} from '@sluice/shared/kube';
import { sayProgress } from './events.ts';
import { scopeObjects } from './label.ts';
import { type Build, type Run, sourceOf } from './run.ts';
import type { AppliedObject } from './state.ts';
import { announceApply, noteHistory, noteInventory } from './status.ts';

/** Under this name the API server records which fields we own; Flux uses the same. */
export const fieldManager = 'kustomize-controller';

function changeLines(changes: AppliedChange[]): string[] {
  return changes
    .filter(({ action }) => action !== 'unchanged' && action !== 'skipped')
    .map(({ id, action }) => `${displayName(id)} ${action === 'recreated' ? 'created' : action}`);
}

function appliedObject(change: AppliedChange, rules: HealthRules): AppliedObject {
  const { object, id, action } = change;
  const { uid, generation, resourceVersion } = object.metadata;
  const spec = (object as KubeObject & { spec?: { ttlSecondsAfterFinished?: number } }).spec;
  return {
    id,
    apiVersion: object.apiVersion,
    uid,
    generation,
    resourceVersion,
    health: evaluateHealth(object, rules),
    skipped: action === 'skipped',
    vanishes: id.kind === 'Job' && spec?.ttlSecondsAfterFinished !== undefined,
  };
}

/** Options of an apply that all applies of a Kustomization share. */
export function applyOptionsOf(run: Run, target: Target) {
  const { settings } = run.deps;
  return {
    client: target.client,
    fieldManager,
    force: run.object.spec.force ?? false,
    concurrency: settings.concurrentApplies,
    signal: run.signal,
    annotationPrefix: kustomizeGroup,
    overrideManagers: settings.overrideManagers,
    customStageKinds: settings.customApplyStageKinds,
    ignore: run.object.spec.ignore,
    live: target.cluster.live,
  };
}

/** Whether this very input was applied before, by whichever process or controller, so that nothing new is expected. */
function isKnownInput(run: Run): boolean {
  const { metadata, status } = run.object;
  return (
    status?.lastAppliedRevision === sourceOf(run).revision &&
    status.observedGeneration === metadata.generation
  );
}

function failureOf(failures: { error: Error }[], changes: AppliedChange[]): RetryableError {
  const reasons = failures.map(({ error }) => error.message);
  const applied = changeLines(changes);
  const rest = applied.length === 0 ? '' : `\nThe others were applied:\n${joinLines(applied)}`;
  return new RetryableError('ReconciliationFailed', `${joinLines(reasons)}${rest}`);
}

/** What an apply has come to. */
export interface ApplyReport {
  /** Whether anything changed in the cluster. */
  changed: boolean;
  objects: Map<string, AppliedObject>;
  /** Inventory entries that are no longer part of the build. */
  stale: ReturnType<typeof subtractInventory>;
  inventory: ReturnType<typeof inventoryOf>;
}

/**
 * Applies built objects as the tenant. What is about to be created is in the status' inventory before the first write.
 *
 * @throws RetryableError ReconciliationFailed that names each object that was refused; the others are applied and tracked
 */
export async function applyBuild(run: Run, target: Target, build: Build): Promise<ApplyReport> {
  const { state, ctx, object } = run;
  const before = ctx.status.status.inventory?.entries ?? [];
  const objects = await scopeObjects(build.objects, target.client);
  await announceApply(run, mergeInventories(inventoryOf(objects), before));
  state.applying = true;
  try {
    const options = { ...applyOptionsOf(run, target), expectEqual: isKnownInput(run) };
    const { changes, failures } = await applyObjects(objects, options);
    // Objects are watched from here on, also those of a failed apply.
    target.cluster.applied.record(
      ctx.key,
      changes.map((change) => change.object),
      { ignore: ignoreRulesOf(run) },
    );
    const lines = changeLines(changes);
    ctx.logger.info(
      { revision: sourceOf(run).revision, changed: lines, failed: failures.length },
      'server-side apply completed',
    );
    if (failures.length > 0) {
      noteHistory(run, build.digest, 'ReconciliationFailed');
      throw failureOf(failures, changes);
    }
    if (lines.length > 0) await sayProgress(run, joinLines(lines));
    const inventory = inventoryOf(changes.map((change) => withIdentity(change)));
    const rules = { field: 'spec.healthCheckExprs', exprs: object.spec.healthCheckExprs };
    return {
      changed: lines.length > 0,
      objects: new Map(
        changes.map((change) => [formatObjectId(change.id), appliedObject(change, rules)]),
      ),
      stale: subtractInventory(before, inventory),
      inventory,
    };
  } finally {
    state.applying = false;
  }
}

/** A skipped object may be known by its source alone, whose identity is already right. */
function withIdentity({ object, id }: AppliedChange): KubeObject {
  const { namespace, name } = id;
  return { ...object, metadata: { ...object.metadata, name, namespace: namespace || undefined } };
}

/** Returns the rules that exempt fields from drift detection. */
export function ignoreRulesOf(run: Run) {
  const { ignore, driftDetection } = run.object.spec;
  return [...(ignore ?? []), ...(driftDetection?.ignore ?? [])];
}

/** Notes that an applied inventory, without what could not be pruned, is what is managed now. */
export function settleInventory(run: Run, target: Target, report: ApplyReport): void {
  noteInventory(run, report.inventory);
  const ids = report.inventory.map((entry) => parseObjectId(entry.id));
  target.cluster.applied.keepOnly(run.ctx.key, ids);
}
