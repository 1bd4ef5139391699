import type { Alert, FluxEvent } from '@sluice/shared/api';
import {
  type RecoveryContext,
  remembersFailures,
  withIncident,
  withRecoveries,
} from '../incident/recoveries.ts';
import type { Delivery } from './delivery.ts';
import { dispatch } from './dispatch.ts';
import { KeyedQueue } from './keyed-queue.ts';

/** An event that was taken in. */
export interface Taken {
  event: FluxEvent;
  /** Identifies this occurrence of the event. */
  id: string;
  /** When it was taken in, in milliseconds since the epoch. */
  at: number;
  /** Nobody has said it: alerts are told of what it ends, and not of itself. */
  isUnsaid?: boolean;
}

/**
 * Decides what becomes of an event, and remembers it for the alerts. Events of one object are taken one after the
 * other; the same event may be taken again, after a process ended on the way.
 *
 * @returns what to deliver, in order
 * @throws Error when the API server or the memory of the alerts cannot answer now
 */
export type Spread = (taken: Taken) => Promise<Delivery[]>;

export interface SpreadContext extends RecoveryContext {
  /** The present alerts, by `namespace/name`. */
  alertOf: (key: string) => Alert | undefined;
}

/** Decides by the rules of its alert what becomes of a delivery: it goes on, a timer does in its place, or nothing. */
export type Filter = (delivery: Delivery) => Promise<Delivery | undefined>;

/** Makes the function; `contextOf` gives the alerts as they are then. */
export function createSpread(contextOf: () => SpreadContext, filter: Filter): Spread {
  const objects = new KeyedQueue();
  return (taken) => {
    const { kind, namespace, name } = taken.event.involvedObject;
    return objects.run(`${kind}/${namespace}/${name}`, () => spread(taken, contextOf(), filter));
  };
}

async function spread(taken: Taken, context: SpreadContext, filter: Filter): Promise<Delivery[]> {
  const { event, id, at, isUnsaid = false } = taken;
  const wanted = (isUnsaid ? [] : await dispatch(event, id, context)).map((delivery) => {
    const { alert, provider } = delivery;
    const current = context.alertOf(`${alert.namespace}/${alert.name}`);
    const receiver = context.providerOf(`${alert.namespace}/${provider}`);
    const remembers = current !== undefined && remembersFailures(current, receiver);
    return withIncident({ ...delivery, at }, remembers);
  });
  const passed: Delivery[] = [];
  for (const delivery of await withRecoveries(wanted, taken, context)) {
    const next = await filter(delivery);
    if (next === undefined) continue;
    if (next.timer === undefined) await context.incidents.opened(next);
    passed.push(next);
  }
  return passed;
}
