import type { FluxEvent } from '@sluice/shared/api';
import type { DeliveredLog } from './delivered.ts';
import type { Delivery } from './delivery.ts';

/** Makes the function that tells whether an event was delivered lately to every alert that wants it. */
export function duplicateCheck(o: {
  dispatch: (event: FluxEvent, id: string) => Promise<Delivery[]>;
  delivered: DeliveredLog;
  /** Whether the log can answer now. */
  canTell: () => boolean;
  /** Whether the event is news all the same, since it ends failures. */
  isNews: (event: FluxEvent, deliveries: readonly Delivery[]) => Promise<boolean>;
}): (event: FluxEvent) => Promise<boolean> {
  return async (event) => {
    if (!o.canTell()) return false;
    const deliveries = await o.dispatch(event, '');
    if (deliveries.length === 0) return false;
    for (const delivery of deliveries) {
      if (!(await o.delivered.wasDelivered(delivery))) return false;
    }
    return !(await o.isNews(event, deliveries));
  };
}
