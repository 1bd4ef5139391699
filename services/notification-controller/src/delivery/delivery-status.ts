import { type Alert, alertKind, type Provider, providerKind } from '@sluice/shared/api';
import { type Clock, type Logger, systemClock } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import type { AttemptResult, Delivery } from './delivery.ts';
import { type DeliveryCounts, StatusCounter } from './status-counter.ts';

export interface DeliveryStatusOptions {
  client: KubeClient;
  alertOf: (key: string) => Alert | undefined;
  providerOf: (key: string) => Provider | undefined;
  controllerName: string;
  logger: Logger;
  clock?: Clock;
}

const maxErrorLength = 1024;

/** Counts in the status of Alerts and Providers how their deliveries go, some seconds later and never in their way. */
export class DeliveryStatus {
  readonly #alerts: StatusCounter<Alert>;
  readonly #providers: StatusCounter<Provider>;
  readonly #clock: Clock;

  constructor(o: DeliveryStatusOptions) {
    this.#clock = o.clock ?? systemClock;
    this.#alerts = new StatusCounter({ ...o, kind: alertKind, objectOf: o.alertOf });
    this.#providers = new StatusCounter({ ...o, kind: providerKind, objectOf: o.providerOf });
  }

  attempted(delivery: Delivery, result: AttemptResult): void {
    this.#count(delivery, this.#changeOf(result));
  }

  givenUp(delivery: Delivery): void {
    this.#count(delivery, { deadLettered: 1 });
  }

  /** Writes what is counted, and nothing after that; takes as long as a request at most. */
  async close(): Promise<void> {
    await Promise.all([this.#alerts.close(), this.#providers.close()]);
  }

  #count({ alert, provider }: Delivery, change: DeliveryCounts): void {
    this.#alerts.count(`${alert.namespace}/${alert.name}`, change);
    this.#providers.count(`${alert.namespace}/${provider}`, change);
  }

  #changeOf(result: AttemptResult): DeliveryCounts {
    const time = `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
    switch (result.type) {
      case 'delivered':
        return { delivered: 1, lastDeliveryTime: time };
      case 'failed': {
        const lastError = result.error.slice(0, maxErrorLength).toWellFormed();
        return { failed: 1, lastError, lastErrorTime: time };
      }
      case 'duplicate':
      case 'dropped':
        return { suppressed: 1 };
    }
  }
}
