import { helmDriftDetectionAnnotation, type KubeObject } from '@sluice/shared/api';
import { type Protection, protectionOf } from '@sluice/shared/engine';
import type { ActionContext } from '../action/context.ts';
import type { Waits } from '../action/waits.ts';
import { adoptedEntries } from './adopted.ts';
import type { Slots } from './background-task.ts';
import { remembering } from './known-revision.ts';
import { type Run, storageOf, targetOf } from './run.ts';
import { draftOf } from './status.ts';

/** A part of an action: its permits, what ends it, and what is told of its waits. */
export interface Part {
  slots: Slots;
  signal: AbortSignal;
  waits: Waits;
  /** The first object that failed, and why, as soon as one has. */
  firstFailure?: string;
}

/** Whether an object asks to be left out of drift detection. */
export function isExempt({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[helmDriftDetectionAnnotation] === 'disabled';
}

/** What was applied holds what was asked for: nothing has to be compared, and no drift is open. */
function noteApplied(run: Run): void {
  run.state.driftSetting = driftSettingOf(run);
  run.state.reported.clear();
}

/** Identifies what is asked for: what was compared under another setting has to be compared anew. */
export function driftSettingOf({ object }: Run): string {
  return JSON.stringify(object.spec.driftDetection ?? {});
}

/** Returns the rules that exempt fields from drift detection. */
export function ignoreRulesOf({ object }: Run) {
  return object.spec.driftDetection?.ignore ?? [];
}

/** Returns what the HelmRelease must not delete. */
function protectionFor(run: Run, storageNamespace: string): Protection {
  const { history = [], inventory } = draftOf(run);
  return protectionOf({
    owner: run.object,
    controllers: run.deps.settings.controllersNamespace,
    targets: [storageNamespace, run.releaseNamespace, ...history.map((one) => one.namespace)],
    inventory: [...(inventory?.entries ?? []), ...adoptedEntries(run)],
  });
}

/**
 * Prepares what an action works with.
 *
 * @param namespace that of the records, when it is not the one of the spec
 * @throws StalledError, RetryableError `ReconciliationFailed` when the identity to act as cannot be used
 */
export async function actionContext(
  run: Run,
  part: Part,
  namespace: string = run.storageNamespace,
): Promise<ActionContext> {
  const { slots, signal, waits } = part;
  const { object, ctx, deps, masker } = run;
  const { client, cluster, live } = await targetOf(run);
  return {
    owner: { name: object.metadata.name, namespace: object.metadata.namespace ?? '' },
    client,
    cluster,
    live,
    held: run.state.held,
    protection: (id, live) => protectionFor(run, namespace)(id, live),
    onAdopted: (id) => run.state.adopted.add(id),
    onKept: (why) => run.state.kept.add(why),
    storage: remembering(run, await storageOf(run, namespace, signal)),
    slots,
    clock: ctx.clock,
    logger: ctx.logger,
    signal,
    identity: deps.settings.identity,
    healthRules: { field: 'spec.healthCheckExprs', exprs: object.spec.healthCheckExprs },
    concurrency: deps.settings.concurrentApplies,
    masker,
    driftIgnore: ignoreRulesOf(run),
    waits,
    onFailed(what) {
      part.firstFailure ??= masker.mask(what);
    },
    onApplied: () => noteApplied(run),
  };
}
