import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import {
  evaluateHealth,
  formatObjectId,
  type Health,
  type HealthRules,
  hasHealthRule,
  judgeMissing,
  judgePresent,
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

async function fetchHealth(run: Run, { client }: Target, check: Check): Promise<Health> {
  try {
    const resource = await client.mapper.resourceFor(gvkOf({ ...check, kind: check.id.kind }));
    const { name, namespace } = check.id;
    const key = resource.namespaced ? { name, namespace } : { name };
    const object = await client.get<KubeObject>(resource, key, { signal: run.signal });
    return evaluateHealth(object, rulesOf(run.object));
  } catch (error) {
    run.ctx.signal.throwIfAborted();
    if (isNotFound(error) || error instanceof NoKindMatchError) {
      return check.applied === undefined ? notFound : judgeMissing(check.applied, notFound.message);
    }
    return { status: 'Unknown', message: errorMessage(error) };
  }
}

/** Watches keep no values of Secrets, which expressions may ask for. */
function isShownWhole({ object }: Run, { id: { group, kind }, apiVersion }: Check): boolean {
  const isSecret = kind === 'Secret' && group === '';
  return !isSecret || !hasHealthRule({ apiVersion, kind } as KubeObject, rulesOf(object));
}

/** Finds out how to see what others have made: as the watch of the account shows it, else by reading it. */
async function prepareForeign(run: Run, target: Target, check: Check): Promise<void> {
  const gvk = gvkOf({ ...check, kind: check.id.kind });
  try {
    const resource = await target.client.mapper.resourceFor(gvk);
    if (!resource.namespaced) check.id = { ...check.id, namespace: '' };
    if (isShownWhole(run, check))
      check.named = { client: target.client, resource, key: { ...check.id } };
  } catch (error) {
    run.ctx.signal.throwIfAborted();
    if (error instanceof NoKindMatchError) check.unserved = gvk;
  }
  const { named } = target.cluster;
  if (check.named !== undefined && named.seen(run.ctx.key, check.named) !== undefined) return;
  check.fetched = knownHealth(run, target, check) ?? (await fetchHealth(run, target, check));
}

/** Returns what was read already of an object whose watch is about to begin. */
function knownHealth({ ctx, state }: Run, { cluster }: Target, { id, named }: Check) {
  if (named === undefined || !cluster.named.isWatched(ctx.key, named)) return undefined;
  return state.wait?.read.get(formatObjectId(id));
}

/** Finds the watch of each object, and reads those that no watch covers. */
export async function prepareChecks(run: Run, target: Target, checks: Check[]): Promise<void> {
  for (const check of checks) {
    if (check.applied === undefined) await prepareForeign(run, target, check);
    else {
      const gvk = gvkOf({ apiVersion: check.applied.apiVersion, kind: check.id.kind });
      check.resource = await target.client.mapper.resourceFor(gvk).catch(() => undefined);
      const watched = check.resource && target.live.covers(check.resource, check.id);
      if (!watched) check.fetched = await fetchHealth(run, target, check);
    }
  }
}

function foreignHealth(run: Run, { cluster }: Target, { named, fetched }: Check): Health {
  const seen = named && cluster.named.seen(run.ctx.key, named);
  if (seen === undefined) return fetched ?? { status: 'Unknown', message: '' };
  if (seen.object === undefined) return notFound;
  return evaluateHealth(seen.object, rulesOf(run.object));
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
  return judgePresent(applied, live, (object) => evaluateHealth(object, rulesOf(run.object)));
}

/** Has what others have made watched from now on, and the kinds of it that are not served; with no checks, nothing. */
export function watchForeign(run: Run, { cluster }: Target, checks: readonly Check[]): void {
  const { key } = run.ctx;
  for (const { id, named, fetched } of checks)
    if (named && fetched) run.state.wait?.read.set(formatObjectId(id), fetched);
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
export function isPolled(run: Run, { cluster }: Target, check: Check): boolean {
  const { applied, named, unserved, fetched } = check;
  if (applied !== undefined) return fetched !== undefined;
  if (unserved !== undefined) return false;
  return named === undefined || !cluster.named.isWatched(run.ctx.key, named);
}
