import { type Receiver, sourceGroup } from '@sluice/shared/api';
import { errorMessage, FairSlots, mapConcurrently } from '@sluice/shared/base';
import type { Answer } from '../http/respond.ts';
import type { Accepts } from './filters.ts';
import { LimitedRuns } from './limited-runs.ts';
import { follows } from './pushed-refs.ts';
import {
  metadataOf,
  objectOf,
  type RequestContext,
  requestReconciliation,
  type Target,
  targetsOf,
  UnusableReferenceError,
} from './request-reconciliation.ts';
import { SharedRuns } from './shared-runs.ts';

/** Entries that `spec.resources` of a Receiver may have. */
export const maxResources = 1000;

/** What webhooks may cost. */
export interface RequestLimits {
  /** Objects that one webhook asks to reconcile. */
  maxObjects: number;
  /** Requests to the API server at a time, of all Receivers and of those of one namespace. */
  slots: { total: number; perShare: number };
}

const defaultLimits: RequestLimits = { maxObjects: 5000, slots: { total: 32, perShare: 16 } };

/** Which of a Receiver's objects a webhook asks for. */
export interface Selection {
  /** Those that the filters accept; all when there are none. */
  accepts?: Accepts;
  /** Of the GitRepositories those that follow one of these; all when there are none. */
  refs?: readonly string[];
}

/** Webhooks of one Receiver with filters that are worked on at a time. */
const maxFiltered = 16;

/** Entries at fault that one webhook logs. */
const maxLogged = 20;

/**
 * Makes the function that asks for the reconciliation of all objects that a Receiver names, each of them once.
 *
 * What fails does not keep the others from being asked. The Receivers of one namespace leave requests to those of
 * others, and however many webhooks arrive, a Receiver's objects are asked by one of them at a time and once more for
 * all that came meanwhile, unless it has filters: then each webhook is worked on, some at a time.
 *
 * @returns 200, 503 when too many webhooks of a Receiver with filters are worked on, or 500 when an object could not
 *   be asked; the log names the field
 */
export function createRequests(limits: RequestLimits = defaultLimits) {
  const slots = new FairSlots(limits.slots);
  const runs = new SharedRuns<Answer>();
  const filtered = new LimitedRuns(maxFiltered);
  return async (
    receiver: Receiver,
    context: RequestContext,
    { accepts, refs = [] }: Selection = {},
  ): Promise<Answer> => {
    const { namespace = '', name } = receiver.metadata;
    const key = `${namespace}/${name}`;
    const inSlot = <T>(fn: () => Promise<T>) => slots.run(namespace, fn);
    const run = () => requestAll(receiver, { ...context, limits, inSlot, accepts, refs });
    if (accepts === undefined && refs.length === 0) return runs.run(key, run);
    // What one webhook asks for is not what another does: they cannot share a run.
    return (await filtered.run(key, run)) ?? { status: 503 };
  };
}

interface Run extends RequestContext {
  limits: RequestLimits;
  inSlot<T>(fn: () => Promise<T>): Promise<T>;
  accepts?: Accepts;
  refs: readonly string[];
}

async function requestAll(receiver: Receiver, run: Run): Promise<Answer> {
  const { slots } = run.limits;
  const ask = askOnce(run);
  let failed = 0;
  await mapConcurrently(receiver.spec.resources, slots.perShare, async (reference, index) => {
    try {
      const targets = await run.inSlot(() => targetsOf(reference, receiver, run));
      await mapConcurrently(targets, slots.perShare, async (target) => {
        if (await isAccepted(target, index, run)) await ask(target);
      });
    } catch (error) {
      if (++failed > maxLogged) return;
      run.logger.error(
        { error: errorMessage(error), field: `spec.resources[${index}]` },
        'A reconciliation could not be requested',
      );
    }
  });
  if (failed > maxLogged) {
    run.logger.error({ entries: failed }, 'More reconciliations could not be requested');
  }
  return { status: failed === 0 ? 200 : 500 };
}

async function isAccepted(target: Target, entry: number, run: Run): Promise<boolean> {
  const { accepts, refs } = run;
  const isFiltered =
    accepts !== undefined && !accepts(entry, await run.inSlot(() => metadataOf(target, run)));
  if (isFiltered) return false;
  const { group, kind } = target.resource;
  if (refs.length === 0 || group !== sourceGroup || kind !== 'GitRepository') return true;
  return follows(await run.inSlot(() => objectOf(target, run)), refs);
}

/** Entries may name the same object again and again. */
function askOnce(run: Run): (target: Target) => Promise<void> {
  const { maxObjects } = run.limits;
  const asked = new Map<string, Promise<void>>();
  return (target) => {
    const { resource, namespace, name } = target;
    const id = `${resource.group}/${resource.kind}/${namespace}/${name}`;
    const known = asked.get(id);
    if (known !== undefined) return known;
    if (asked.size >= maxObjects) {
      const problem = `spec.resources selects more than ${maxObjects} objects: make several Receivers`;
      return Promise.reject(new UnusableReferenceError(problem));
    }
    const asking = run.inSlot(() => requestReconciliation(target, run));
    asked.set(id, asking);
    return asking;
  };
}
