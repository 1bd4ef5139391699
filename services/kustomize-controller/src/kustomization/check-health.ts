import { type KubeObject, type Kustomization, kustomizationKind } from '@sluice/shared/api';
import { eventFacts } from '@sluice/shared/applier';
import { errorMessage, formatDuration, RetryableError } from '@sluice/shared/base';
import {
  displayName,
  evaluateHealth,
  explainUnhealthy,
  formatObjectId,
  type Health,
  type HealthRules,
  judgeMissing,
  judgePresent,
  type ObjectId,
  objectIdOf,
  type Target,
} from '@sluice/shared/engine';
import { type ApiResource, gvkOf, isNotFound, NoKindMatchError } from '@sluice/shared/kube';
import { HealthWait } from './health-wait.ts';
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

/** Between two looks at objects that no watch covers, in milliseconds. */
const pollMs = 2000;
/** Between two looks for what the status says is waited for, in milliseconds. */
const showMs = 15_000;
/** Most objects that it names then. */
const maxShown = 5;

/** Of an entry of spec.healthChecks that names none, as in Flux; its command line writes none for workloads. */
const defaultApiVersion = 'apps/v1';

/** An object whose health counts. */
interface Check {
  id: ObjectId;
  apiVersion: string;
  applied: AppliedObject | undefined;
  resource?: ApiResource;
  /** Read from the cluster, where no watch covers it. */
  fetched?: Health;
}

const notFound: Health = { status: 'NotFound', message: 'object does not exist' };

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

async function fetchHealth(run: Run, target: Target, check: Check): Promise<Health> {
  try {
    const resource = await target.client.mapper.resourceFor(
      gvkOf({ ...check, kind: check.id.kind }),
    );
    const { name, namespace } = check.id;
    const key = resource.namespaced ? { name, namespace } : { name };
    const object = await target.client.get<KubeObject>(resource, key, { signal: run.signal });
    return evaluateHealth(object, rulesOf(run.object));
  } catch (error) {
    run.ctx.signal.throwIfAborted();
    if (isNotFound(error) || error instanceof NoKindMatchError) {
      return check.applied === undefined ? notFound : judgeMissing(check.applied, notFound.message);
    }
    return { status: 'Unknown', message: errorMessage(error) };
  }
}

/** Returns how the health of custom resources is read. */
export function rulesOf({ spec }: Kustomization): HealthRules {
  return { field: 'spec.healthCheckExprs', exprs: spec.healthCheckExprs };
}

/** Finds the watch of each object, and reads those that no watch covers. */
async function prepareChecks(run: Run, target: Target, checks: Check[]): Promise<void> {
  for (const check of checks) {
    if (check.applied === undefined) check.fetched = await fetchHealth(run, target, check);
    else {
      const gvk = gvkOf({ apiVersion: check.applied.apiVersion, kind: check.id.kind });
      check.resource = await target.client.mapper.resourceFor(gvk).catch(() => undefined);
      const watched = check.resource && target.live.covers(check.resource, check.id);
      if (!watched) check.fetched = await fetchHealth(run, target, check);
    }
  }
}

function healthOf(run: Run, target: Target, check: Check): Health {
  const { applied, resource, fetched } = check;
  if (fetched !== undefined) return fetched;
  if (applied === undefined || resource === undefined) return { status: 'Unknown', message: '' };
  const live = target.live.get(resource, check.id);
  if (live === undefined) {
    // A watch that lags behind does not know an object that was just created.
    const isLate = !applied.vanishes && applied.health.status === 'Current';
    return isLate ? applied.health : judgeMissing(applied, notFound.message);
  }
  return judgePresent(applied, live, (object) => evaluateHealth(object, rulesOf(run.object)));
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

function waitFor(run: Run, pending: Found[]): HealthVerdict | Failure {
  const { state, ctx } = run;
  const now = ctx.clock.now();
  const wait = state.wait ?? new HealthWait(now, run.timeoutMs);
  state.wait = wait;
  wait.awaits(pending.map(({ check }) => formatObjectId(check.id)));
  const polled = pending.some(({ check }) => check.fetched !== undefined);
  if (state.phase === 'unhealthy') {
    const retryAt = state.retryAt ?? now;
    return { type: 'waiting', untilMs: polled ? Math.min(retryAt, now + pollMs) : retryAt };
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
  const next = [
    wait.deadlineAt,
    now + showMs,
    ...(polled ? [now + pollMs] : []),
    ...(now < quietUntil ? [quietUntil] : []),
  ];
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
    return { type: 'unchecked' };
  }
  await prepareChecks(run, target, checks);
  // From here to the verdict nothing is awaited, so that no change of a watched object is missed.
  const pending = checks
    .map((check) => ({ check, health: healthOf(run, target, check) }))
    .filter(({ health }) => health.status !== 'Current');
  if (pending.length > 0) {
    const verdict = waitFor(run, pending);
    return verdict.type === 'failed' ? fail(run, target, verdict) : verdict;
  }
  const tookMs = state.wait === undefined ? 0 : ctx.clock.now() - state.wait.startedAt;
  state.wait = undefined;
  return { type: 'healthy', tookMs };
}
