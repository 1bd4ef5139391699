import type { Receiver } from '@sluice/shared/api';
import { errorMessage, FairSlots, mapConcurrently } from '@sluice/shared/base';
import type { Answer } from '../http/respond.ts';
import {
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

/** Entries at fault that one webhook logs. */
const maxLogged = 20;

/**
 * Makes the function that asks for the reconciliation of all objects that a Receiver names, each of them once.
 *
 * What fails does not keep the others from being asked. The Receivers of one namespace leave requests to those of
 * others, and however many webhooks arrive, a Receiver's objects are asked by one of them at a time and once more for
 * all that came meanwhile.
 *
 * @returns 200, or 500 when an object could not be asked; the log names the field
 */
export function createRequests(limits: RequestLimits = defaultLimits) {
  const slots = new FairSlots(limits.slots);
  const runs = new SharedRuns<Answer>();
  return (receiver: Receiver, context: RequestContext): Promise<Answer> => {
    const { namespace = '', name } = receiver.metadata;
    const inSlot = <T>(fn: () => Promise<T>) => slots.run(namespace, fn);
    return runs.run(`${namespace}/${name}`, () =>
      requestAll(receiver, { ...context, limits, inSlot }),
    );
  };
}

interface Run extends RequestContext {
  limits: RequestLimits;
  inSlot<T>(fn: () => Promise<T>): Promise<T>;
}

async function requestAll(receiver: Receiver, run: Run): Promise<Answer> {
  const { slots } = run.limits;
  const ask = askOnce(run);
  let failed = 0;
  await mapConcurrently(receiver.spec.resources, slots.perShare, async (reference, index) => {
    try {
      const targets = await run.inSlot(() => targetsOf(reference, receiver, run));
      await mapConcurrently(targets, slots.perShare, ask);
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
