import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import {
  evaluateHealth,
  formatObjectId,
  type Health,
  type HealthRead,
  type HealthRules,
  judgeMissing,
  leastReadMs,
  type NamedObject,
  type ObjectId,
  type Target,
} from '@sluice/shared/engine';
import {
  type ApiResource,
  type GroupVersionKind,
  gvkOf,
  isNotFound,
  NoKindMatchError,
} from '@sluice/shared/kube';
import { type Grounds, isUnread, judgeShown } from './judge-shown.ts';
import type { Run } from './run.ts';
import type { AppliedObject } from './state.ts';

/** An object whose health counts. */
export interface Check {
  id: ObjectId;
  apiVersion: string;
  /** As our last apply left it; undefined of what others have made. */
  applied: AppliedObject | undefined;
  resource?: ApiResource;
  /** How the account watches what others have made; undefined where it has to be read. */
  named?: NamedObject;
  /** Its kind, which is not served. */
  unserved?: GroupVersionKind;
  /** Read from the cluster, where no watch covers it. */
  fetched?: Health;
}

const notFound: Health = { status: 'NotFound', message: 'object does not exist' };

/** Returns how the health of custom resources is read. */
export function rulesOf({ spec }: Kustomization): HealthRules {
  return { field: 'spec.healthCheckExprs', exprs: spec.healthCheckExprs };
}

function groundsOf({ state, object }: Run, { applied }: Check): Grounds {
  return { applied, reads: state.reads, rules: rulesOf(object) };
}

/** Reads an object as the account and judges it; of the object itself nothing is kept. */
async function fetchHealth(run: Run, target: Target, check: Check): Promise<Health> {
  const at = run.ctx.clock.now();
  const found = await readHealth(run, target, check);
  run.state.reads.note(formatObjectId(check.id), { ...found, at });
  return found.health;
}

async function readHealth(
  run: Run,
  { client }: Target,
  check: Check,
): Promise<Omit<HealthRead, 'at'>> {
  try {
    const resource = await client.mapper.resourceFor(gvkOf({ ...check, kind: check.id.kind }));
    const { name, namespace } = check.id;
    const key = resource.namespaced ? { name, namespace } : { name };
    const object = await client.get<KubeObject>(resource, key, { signal: run.signal });
    const health = evaluateHealth(object, rulesOf(run.object));
    return {
      resourceVersion: health.isTentative ? undefined : object.metadata.resourceVersion,
      health,
    };
  } catch (error) {
    run.ctx.signal.throwIfAborted();
    return { resourceVersion: undefined, health: healthOfUnreadable(check, error) };
  }
}

function healthOfUnreadable({ applied }: Check, error: unknown): Health {
  const isMissing = isNotFound(error) || error instanceof NoKindMatchError;
  if (!isMissing) return { status: 'Unknown', message: errorMessage(error) };
  return applied === undefined ? notFound : judgeMissing(applied, notFound.message);
}

/** Returns what a watch shows of an object, if one does. */
function shownOf(run: Run, { cluster, live }: Target, check: Check): KubeObject | undefined {
  const { applied, named, resource, fetched, id } = check;
  if (applied === undefined) return named && cluster.named.seen(run.ctx.key, named)?.object;
  return resource === undefined || fetched !== undefined ? undefined : live.get(resource, id);
}

/** Whether the health of an object turns on values that no watch keeps and that have changed since they were read. */
export function isOutdated(run: Run, target: Target, check: Check): boolean {
  const shown = shownOf(run, target, check);
  return shown !== undefined && isUnread(shown, groundsOf(run, check));
}

/** Reads an object once for each change that a watch shows, but not more often than every two seconds. */
async function readOutdated(run: Run, target: Target, check: Check): Promise<void> {
  const isDue = run.ctx.clock.now() >= run.state.reads.dueAt(formatObjectId(check.id));
  if (isDue && isOutdated(run, target, check)) await fetchHealth(run, target, check);
}

/** Finds out how to see what others have made: as the watch of the account shows it, else by reading it. */
async function prepareForeign(run: Run, target: Target, check: Check): Promise<void> {
  const gvk = gvkOf({ ...check, kind: check.id.kind });
  try {
    const resource = await target.client.mapper.resourceFor(gvk);
    if (!resource.namespaced) check.id = { ...check.id, namespace: '' };
    check.named = { client: target.client, resource, key: { ...check.id } };
  } catch (error) {
    run.ctx.signal.throwIfAborted();
    if (error instanceof NoKindMatchError) check.unserved = gvk;
  }
  const { named } = target.cluster;
  if (check.named !== undefined && named.seen(run.ctx.key, check.named) !== undefined)
    return readOutdated(run, target, check);
  check.fetched = knownHealth(run, target, check) ?? (await fetchHealth(run, target, check));
}

/** Returns what was read already of an object whose watch is about to begin. */
function knownHealth({ ctx, state }: Run, { cluster }: Target, { id, named }: Check) {
  if (named === undefined || !cluster.named.isWatched(ctx.key, named)) return undefined;
  return state.wait && state.reads.last(formatObjectId(id));
}

/** Finds the watch of each object, and reads what none shows, or not with its values. */
export async function prepareChecks(run: Run, target: Target, checks: Check[]): Promise<void> {
  for (const check of checks) {
    if (check.applied === undefined) await prepareForeign(run, target, check);
    else {
      const gvk = gvkOf({ apiVersion: check.applied.apiVersion, kind: check.id.kind });
      check.resource = await target.client.mapper.resourceFor(gvk).catch(() => undefined);
      const watched = check.resource && target.live.covers(check.resource, check.id);
      if (watched) await readOutdated(run, target, check);
      else check.fetched = await fetchHealth(run, target, check);
    }
  }
  run.state.reads.keepOnly(checks.map(({ id }) => formatObjectId(id)));
}

function foreignHealth(run: Run, { cluster }: Target, check: Check): Health {
  const { named, fetched } = check;
  const seen = named && cluster.named.seen(run.ctx.key, named);
  if (seen === undefined) return fetched ?? { status: 'Unknown', message: '' };
  if (seen.object === undefined) return notFound;
  return judgeShown(seen.object, groundsOf(run, check));
}

/** Returns the health of an object as it is known now. */
export function healthOf(run: Run, target: Target, check: Check): Health {
  const { applied, resource, fetched } = check;
  if (applied === undefined) return foreignHealth(run, target, check);
  if (fetched !== undefined) return fetched;
  if (resource === undefined) return { status: 'Unknown', message: '' };
  const live = target.live.get(resource, check.id);
  if (live === undefined) {
    // A watch that lags behind does not know an object that was just created.
    const isLate = !applied.vanishes && applied.health.status === 'Current';
    return isLate ? applied.health : judgeMissing(applied, notFound.message);
  }
  return judgeShown(live, groundsOf(run, check));
}

/** Has what others have made watched from now on, and the kinds of it that are not served; with no checks, nothing. */
export function watchForeign(run: Run, { cluster }: Target, checks: readonly Check[]): void {
  const { key } = run.ctx;
  cluster.named.watch(
    key,
    checks.flatMap(({ named }) => named ?? []),
  );
  cluster.kinds.waitFor(
    key,
    checks.flatMap(({ unserved }) => unserved ?? []),
  );
}

/** Whether nobody tells of a change of an object, so that it has to be looked at now and then. */
function isPolled(run: Run, { cluster }: Target, check: Check): boolean {
  const { applied, named, unserved, fetched } = check;
  if (applied !== undefined) return fetched !== undefined;
  if (unserved !== undefined) return false;
  return named === undefined || !cluster.named.isWatched(run.ctx.key, named);
}

/**
 * Returns when an object has to be looked at by the clock, in milliseconds since the epoch: where nobody tells of its
 * changes, or a change may not be read yet. Undefined when a watch is enough.
 */
export function lookAgainAt(run: Run, target: Target, check: Check): number | undefined {
  if (isPolled(run, target, check)) return run.ctx.clock.now() + leastReadMs;
  if (!isOutdated(run, target, check)) return undefined;
  return run.state.reads.dueAt(formatObjectId(check.id));
}
