import { kustomizationKind } from '@sluice/shared/api';
import { eventFacts } from '@sluice/shared/applier';
import { formatDuration, RetryableError } from '@sluice/shared/base';
import {
  displayName,
  explainUnhealthy,
  formatObjectId,
  type Health,
  type ObjectId,
  objectIdOf,
  type Target,
} from '@sluice/shared/engine';
import { HealthWait } from './health-wait.ts';
import {
  type Check,
  healthOf,
  isOutdated,
  lookAgainAt,
  prepareChecks,
  watchForeign,
} from './look-at-health.ts';
import { quietMs, type Run, retryIntervalOf } from './run.ts';
import type { AppliedObject } from './state.ts';
import {
  healthCheckFailedReason,
  noteHealth,
  noteHistory,
  noteInventory,
  showHealthWait,
} from './status.ts';

/** How the health checks stand. */
export type HealthVerdict =
  /** There is nothing to check. */
  | { type: 'unchecked' }
  | { type: 'healthy'; tookMs: number }
  /** Look again when a watched object changes, and at the latest at this time, in milliseconds since the epoch. */
  | { type: 'waiting'; untilMs: number };

/** Between two looks for what the status says is waited for, in milliseconds. */
const showMs = 15_000;
/** Most objects that it names then. */
const maxShown = 5;

/** Of an entry of spec.healthChecks that names none, as in Flux; its command line writes none for workloads. */
const defaultApiVersion = 'apps/v1';

function isSelf(run: Run, id: ObjectId): boolean {
  const { name, namespace } = run.object.metadata;
  return (
    id.kind === kustomizationKind.kind &&
    id.group === kustomizationKind.group &&
    id.name === name &&
    id.namespace === namespace
  );
}

function checksOf(run: Run): Check[] {
  const { wait, healthChecks } = run.object.spec;
  const applied = run.state.applied?.objects ?? new Map<string, AppliedObject>();
  if (wait) {
    return [...applied.values()]
      .filter((object) => !object.skipped && !isSelf(run, object.id))
      .map((object) => ({ id: object.id, apiVersion: object.apiVersion, applied: object }));
  }
  const referenced = (healthChecks ?? []).map((reference): Check => {
    const { kind, name, namespace = run.object.metadata.namespace } = reference;
    const apiVersion = reference.apiVersion || defaultApiVersion;
    const id = objectIdOf({ apiVersion, kind, metadata: { name, namespace } });
    const unscoped = { ...id, namespace: '' };
    const known = applied.get(formatObjectId(id)) ?? applied.get(formatObjectId(unscoped));
    // What was skipped may be anybody's: it is read as the tenant.
    return { id: known?.id ?? id, apiVersion, applied: known?.skipped ? undefined : known };
  });
  return referenced.filter(({ id }) => !isSelf(run, id));
}

interface Found {
  check: Check;
  health: Health;
}

function describe(found: Found[], most = 50): string {
  const list = found.map(
    ({ check, health }) => `${displayName(check.id)} status: '${health.status}'`,
  );
  const why = found.map(({ health }) => health.message).find((message) => message !== '');
  const more = list.length > most ? ` and ${list.length - most} more` : '';
  return `[${list.slice(0, most).join(', ')}${more}]${why === undefined ? '' : `: ${why}`}`;
}

/** A Job that has failed is to be run again after it has removed itself. */
function forgetFailedJobs(run: Run, found: Found[]): void {
  const ids = new Set(found.map(({ check }) => formatObjectId(check.id)));
  const entries = run.ctx.status.status.inventory?.entries ?? [];
  if (!entries.some(({ id, digest }) => digest !== undefined && ids.has(id))) return;
  noteInventory(
    run,
    entries.map(({ digest, ...entry }) => ({
      ...entry,
      ...(digest !== undefined && !ids.has(entry.id) && { digest }),
    })),
  );
}

function firstOf([first]: Found[]): string | undefined {
  if (first === undefined) return undefined;
  const { status, message } = first.health;
  return `${displayName(first.check.id)} status: '${status}'${message === '' ? '' : `: ${message}`}`;
}

/** Why the wait for health is over. */
interface Failure {
  type: 'failed';
  what: string;
  /** The objects it is about, and the first of which an event tells. */
  found: Found[];
}

/** Gives up on a wait; what changes from here on is heard of again. */
function giveUp(run: Run, what: string, found: Found[]): Failure {
  const { state, ctx } = run;
  state.phase = 'unhealthy';
  state.retryAt = ctx.clock.now() + retryIntervalOf(run.object);
  return { type: 'failed', what, found };
}

async function fail(run: Run, { client }: Target, { what, found }: Failure): Promise<never> {
  const { state, ctx, masker } = run;
  const now = ctx.clock.now();
  const took = formatDuration(Math.max(0, now - (state.wait?.startedAt ?? now)));
  const unhealthy = found.map(({ check: { id, apiVersion } }) => ({ id, apiVersion }));
  const why = await explainUnhealthy(unhealthy, { client, signal: ctx.signal, masker });
  const message = masker.mask(`health check failed after ${took}: ${what}`) + why;
  forgetFailedJobs(
    run,
    found.filter(({ health }) => health.status === 'Failed'),
  );
  noteHealth(run, { healthy: false, message });
  noteHistory(run, state.applied?.digest ?? '', healthCheckFailedReason);
  const metadata = eventFacts({
    firstFailure: firstOf(found),
    changes: state.applied?.changes,
  });
  throw new RetryableError(healthCheckFailedReason, message, {
    retryAfterMs: retryIntervalOf(run.object),
    metadata,
  });
}

interface Waiting {
  wait: HealthWait;
  pending: Found[];
}

function waitFor(run: Run, target: Target, { wait, pending }: Waiting): HealthVerdict | Failure {
  const { state, ctx } = run;
  const now = ctx.clock.now();
  wait.awaits(pending.map(({ check }) => formatObjectId(check.id)));
  const looks = pending.flatMap(({ check }) => lookAgainAt(run, target, check) ?? []);
  if (state.phase === 'unhealthy') {
    const retryAt = state.retryAt ?? now;
    return { type: 'waiting', untilMs: Math.min(retryAt, ...looks) };
  }
  state.phase = 'health';
  const failed = pending.filter(({ health }) => health.status === 'Failed');
  if (failed.length > 0 && run.deps.settings.failFast)
    return giveUp(run, `failed early due to stalled resources: ${describe(failed)}`, failed);
  if (now >= wait.deadlineAt) {
    const failedFirst = [...failed, ...pending.filter((found) => !failed.includes(found))];
    return giveUp(run, `timeout waiting for: ${describe(pending)}`, failedFirst);
  }
  const quietUntil = wait.startedAt + quietMs;
  if (now >= quietUntil) showHealthWait(run, describe(pending, maxShown));
  else state.unwritten = ctx.status.undo();
  const next = [wait.deadlineAt, now + showMs, ...looks, ...(now < quietUntil ? [quietUntil] : [])];
  return { type: 'waiting', untilMs: Math.min(...next) };
}

/**
 * Looks at the health of what was applied (spec.wait) or of spec.healthChecks, as the watches have it. Never waits itself.
 *
 * @throws RetryableError HealthCheckFailed naming the objects, and what is the matter with the first ones, when one has
 * failed or spec.timeout is over
 */
export async function checkHealth(run: Run, target: Target): Promise<HealthVerdict> {
  const { state, ctx } = run;
  const { wait, healthChecks } = run.object.spec;
  const checks = wait || healthChecks?.length ? checksOf(run) : [];
  if (checks.length === 0) {
    state.wait = undefined;
    watchForeign(run, target, []);
    return { type: 'unchecked' };
  }
  await prepareChecks(run, target, checks);
  // From here to the verdict nothing is awaited, so that no change of a watched object is missed.
  const pending = checks
    .map((check) => ({ check, health: healthOf(run, target, check) }))
    .filter(({ health }) => health.status !== 'Current');
  if (pending.length > 0) {
    state.wait ??= new HealthWait(ctx.clock.now(), run.timeoutMs);
    watchForeign(run, target, checks);
    const verdict = waitFor(run, target, { wait: state.wait, pending });
    if (verdict.type !== 'failed') return verdict;
    // What changed while the time ran out is read all the same; nobody would wake us for it.
    if (pending.some(({ check }) => isOutdated(run, target, check)))
      run.deps.revisit(ctx.key, 'change');
    return fail(run, target, verdict);
  }
  watchForeign(run, target, []);
  const tookMs = state.wait === undefined ? 0 : ctx.clock.now() - state.wait.startedAt;
  state.wait = undefined;
  return { type: 'healthy', tookMs };
}
