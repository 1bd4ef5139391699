import type { FluxEvent } from '@sluice/shared/api';
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
}

/**
 * Decides what becomes of an event, and remembers it for the alerts. Events of one object are taken one after the
 * other; the same event may be taken again, after a process ended on the way.
 *
 * @returns what to deliver, in order
 * @throws Error when the API server or the memory of the alerts cannot answer now
 */
export type Spread = (taken: Taken) => Promise<Delivery[]>;

export type SpreadContext = RecoveryContext;

/** Makes the function; `contextOf` gives the alerts as they are then. */
export function createSpread(contextOf: () => SpreadContext): Spread {
  const objects = new KeyedQueue();
  return (taken) => {
    const { kind, namespace, name } = taken.event.involvedObject;
    return objects.run(`${kind}/${namespace}/${name}`, () => spread(taken, contextOf()));
  };
}

async function spread(taken: Taken, context: SpreadContext): Promise<Delivery[]> {
  const { event, id, at } = taken;
  const wanted = await dispatch(event, id, context);
  const deliveries = wanted.map((delivery) => {
    const provider = context.providerOf(`${delivery.alert.namespace}/${delivery.provider}`);
    return withIncident({ ...delivery, at }, remembersFailures(provider));
  });
  for (const delivery of deliveries) {
    if (delivery.incident !== undefined) await context.incidents.opened(delivery);
  }
  return withRecoveries(deliveries, taken, context);
}
