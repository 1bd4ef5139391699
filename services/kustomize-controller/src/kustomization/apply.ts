import { type KubeObject, reconcileRequestAnnotation } from '@sluice/shared/api';
import { eventFacts } from '@sluice/shared/applier';
import { joinLines, RetryableError } from '@sluice/shared/base';
import {
  type AppliedChange,
  type ApplyResult,
  applyObjects,
  describeApplied,
  displayName,
  evaluateHealth,
  failureLines,
  formatObjectId,
  type Health,
  type HealthRules,
  type InventoryEntry,
  idsOf,
  inventoryOf,
  lacksValues,
  mergeInventories,
  missingKinds,
  parseObjectId,
  recordApplied,
  removesItself,
  subtractInventory,
  type TakeOver,
  type Target,
  warnOfFlux,
} from '@sluice/shared/engine';
import { auditedApply, whatApplied } from './audit.ts';
import { appliedInventory, claimedInventory, inventoryAfterFailure } from './claimed-inventory.ts';
import { sayProgress, sayWarning } from './events.ts';
import { scopeObjects } from './label.ts';
import { rulesOf } from './look-at-health.ts';
import { objectsToApply } from './objects-to-apply.ts';
import { protectionFor } from './protection.ts';
import { type Build, type Run, sourceOf } from './run.ts';
import { knownJobs } from './run-once.ts';
import type { AppliedBuild, AppliedObject } from './state.ts';
import { announceApply, noteHistory, noteInventory } from './status.ts';

function changeLines(changes: AppliedChange[]): string[] {
  return changes
    .filter(({ action }) => action !== 'unchanged' && action !== 'skipped')
    .map(({ id, action }) => `${displayName(id)} ${action === 'recreated' ? 'created' : action}`);
}

const unknownHealth: Health = { status: 'Unknown', message: '' };

function appliedObject(change: AppliedChange, rules: HealthRules): AppliedObject {
  const { object, id, action } = change;
  const isCut = lacksValues(object, rules);
  return {
    id,
    apiVersion: object.apiVersion,
    // What a watch has shown without its values is not judged yet.
    resourceVersion: isCut ? undefined : object.metadata.resourceVersion,
    // What was skipped may be anybody's, and is judged by no expression.
    health: action === 'skipped' || isCut ? unknownHealth : evaluateHealth(object, rules),
    skipped: action === 'skipped',
    vanishes: removesItself(object),
  };
}

/** Options of an apply that all applies of a Kustomization share. */
export function applyOptionsOf(run: Run, target: Target) {
  const { settings } = run.deps;
  return {
    client: target.client,
    identity: settings.identity,
    force: run.object.spec.force ?? false,
    concurrency: settings.concurrentApplies,
    signal: run.signal,
    customStageKinds: settings.customApplyStageKinds,
    protection: protectionFor(run),
    ignore: run.object.spec.ignore,
    live: target.live,
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

/**
 * Returns what to take over from kubectl: everything with a new revision or spec, and what is no annotation for running
 * the object when somebody asks for a reconcile, or none is made in between. Otherwise it is left until then.
 */
function takeOverOf(run: Run): TakeOver {
  if (!isKnownInput(run)) return 'all';
  const { metadata, status, spec } = run.object;
  const request = metadata.annotations?.[reconcileRequestAnnotation];
  const isRequested = request !== undefined && request !== status?.lastHandledReconcileAt;
  return isRequested || spec.driftDetection?.mode === 'disabled' ? 'but operational' : 'nothing';
}

/**
 * Whether only news of the source may have changed what there is to apply since the last time, so that objects which are
 * as they were then need not be sent. Who asks for a reconcile wants every object looked at, and fields that are exempt
 * from drift alone are brought back by it.
 */
function isRepeated(run: Run, former: AppliedBuild): boolean {
  const { metadata, status, spec } = run.object;
  const request = metadata.annotations?.[reconcileRequestAnnotation];
  const isRequested = request !== undefined && request !== status?.lastHandledReconcileAt;
  const { mode, ignore = [] } = spec.driftDetection ?? {};
  return (
    !isRequested &&
    mode !== 'disabled' &&
    ignore.length === 0 &&
    former.generation === metadata.generation
  );
}

function settledIn(run: Run, { cluster }: Target) {
  return (sent: KubeObject, live: KubeObject) => cluster.applied.isSettled(run.ctx.key, sent, live);
}

function failureOf(run: Run, { failures, changes }: ApplyResult): RetryableError {
  const reasons = failureLines(failures);
  const applied = changeLines(changes);
  const rest = applied.length === 0 ? '' : `\nThe others were applied:\n${joinLines(applied)}`;
  const metadata = eventFacts({
    firstFailure: failures[0]?.error.message,
    changes: describeApplied(changes, run.deps.settings.identity),
  });
  return new RetryableError('ReconciliationFailed', `${joinLines(reasons)}${rest}`, { metadata });
}

/** Returns the entries of what is part of a build and not applied with it, which stays as it is. */
async function leftOutEntries(
  { leftOut = [] }: Build,
  { client }: Target,
  before: InventoryEntry[],
): Promise<InventoryEntry[]> {
  if (leftOut.length === 0) return [];
  const ids = idsOf(inventoryOf(await scopeObjects(leftOut, client)));
  return before.filter(({ id }) => ids.has(id));
}

/** What an apply has come to. */
export interface ApplyReport {
  /** Whether anything changed in the cluster. */
  changed: boolean;
  /** What, for people. */
  changes: string;
  objects: Map<string, AppliedObject>;
  /** Inventory entries that are no longer part of the build. */
  stale: InventoryEntry[];
  inventory: InventoryEntry[];
}

/**
 * Applies built objects as the tenant. What is about to be created is in the status' inventory before the first write.
 *
 * @param o.former what was applied last, if all of it went well
 * @throws RetryableError ReconciliationFailed that names each object that was refused; the others are applied and tracked
 */
export async function applyBuild(
  run: Run,
  target: Target,
  { build, former }: { build: Build; former: AppliedBuild | undefined },
): Promise<ApplyReport> {
  const { state, ctx, object } = run;
  const { settings } = run.deps;
  const before = ctx.status.status.inventory?.entries ?? [];
  const objects = await objectsToApply(run, target, build);
  const claimed = await claimedInventory(run, target, { objects, before });
  const inputs = { objects, claimed, before };
  const audited = auditedApply(run, build);
  const announcement = await announceApply(run, claimed);
  state.applying = true;
  try {
    const options = {
      ...applyOptionsOf(run, target),
      expectEqual: isKnownInput(run),
      takeOver: takeOverOf(run),
      onlyIfPresent: knownJobs(objects, before),
      beforeWrite: audited.begins,
      ...(former && isRepeated(run, former) && { isSettled: settledIn(run, target) }),
    };
    const { changes, failures } = await applyObjects(objects, options);
    await audited.ended(failures.length === 0 ? 'succeeded' : 'failed', () =>
      whatApplied(run, changes),
    );
    // Objects are watched from here on, also those of a failed apply.
    recordApplied(target, ctx.key, { changes, ignore: ignoreRulesOf(run) });
    const lines = changeLines(changes);
    ctx.logger.info(
      { revision: sourceOf(run).revision, changed: lines, failed: failures.length },
      'server-side apply completed',
    );
    target.cluster.kinds.waitFor(ctx.key, missingKinds(failures));
    if (failures.length > 0) {
      noteInventory(run, inventoryAfterFailure({ changes, failures }, inputs));
      noteHistory(run, build.digest, 'ReconciliationFailed');
      throw failureOf(run, { failures, changes });
    }
    const changed = run.masker.mask(describeApplied(changes, settings.identity));
    if (lines.length > 0)
      await sayProgress(run, joinLines(lines), eventFacts({ changes: changed }));
    await warnOfControllers(run, objects);
    const own = appliedInventory(changes, inputs);
    const inventory = mergeInventories(own, await leftOutEntries(build, target, before));
    const rules = rulesOf(object);
    return {
      changed: lines.length > 0,
      changes: changed,
      objects: new Map(
        changes.map((change) => [formatObjectId(change.id), appliedObject(change, rules)]),
      ),
      stale: subtractInventory(before, inventory),
      inventory,
    };
  } finally {
    state.applying = false;
    await announcement.end();
  }
}

/** Returns the rules that exempt fields from drift detection. */
export function ignoreRulesOf(run: Run) {
  const { ignore, driftDetection } = run.object.spec;
  return [...(ignore ?? []), ...(driftDetection?.ignore ?? [])];
}

/** Warns once of controllers of Flux among the objects. */
async function warnOfControllers(run: Run, objects: KubeObject[]): Promise<void> {
  const warning = warnOfFlux(objects);
  if (warning !== undefined && run.state.warning !== warning)
    await sayWarning(run, 'FluxControllers', warning);
  run.state.warning = warning;
}

/** Notes that an applied inventory is what is managed now. */
export function settleInventory(run: Run, target: Target, report: ApplyReport): void {
  noteInventory(run, report.inventory);
  const ids = report.inventory.map((entry) => parseObjectId(entry.id));
  target.cluster.applied.keepOnly(run.ctx.key, ids);
  target.live.keepOnly(ids);
}
