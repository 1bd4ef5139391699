import type { Alert, FluxEvent, Provider } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import type { DeliveredLog } from '../delivery/delivered.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { dispatch } from '../delivery/dispatch.ts';
import { createSpread, type Spread } from '../delivery/spread.ts';
import type { MatchContext } from '../event/match.ts';
import { createIncidents, type Incidents } from '../incident/incidents.ts';
import { endsFailures } from '../incident/recoveries.ts';
import type { AlertMemory } from '../memory/memory.ts';
import { type Group, timersOf } from './group.ts';
import { type Suppression, withoutNoise } from './noise.ts';
import { type Release, release } from './release.ts';
import { noiseRules } from './rules.ts';

export interface AlertingOptions extends Omit<MatchContext, 'alerts'> {
  alerts: () => Iterable<Alert>;
  /** The present objects, by `namespace/name`. */
  alertOf: (key: string) => Alert | undefined;
  providerOf: (key: string) => Provider | undefined;
  memory: AlertMemory;
  delivered: DeliveredLog;
  onSuppressed: (delivery: Delivery, why: Suppression) => void;
  logger: Logger;
  now?: () => number;
}

/** What alerts make of events, with what they remember of earlier ones. */
export interface Alerting {
  spread: Spread;
  incidents: Incidents;
  /** Looks whether the group of a timer is due. */
  release: (timer: Delivery) => Promise<Release>;
  /** Timers of the groups that wait, where this process alone knows of them. */
  waitingGroups: () => Promise<Delivery[]>;
  /** Who wants an event, whatever was before. */
  dispatch: (event: FluxEvent, id: string) => Promise<Delivery[]>;
  /** Whether an event that was delivered lately, in these deliveries, has to be looked at all the same. */
  isNews: (event: FluxEvent, deliveries: readonly Delivery[]) => Promise<boolean>;
}

/** Makes it. */
export function createAlerting(options: AlertingOptions): Alerting {
  const { memory, logger, alertOf, now } = options;
  const incidents = createIncidents(memory, { logger, ...(now && { now }) });
  const context = () => ({ ...options, incidents, alerts: options.alerts() });
  const isRepeated = ({ alert: { namespace, name } }: Delivery) => {
    const alert = alertOf(`${namespace}/${name}`);
    return alert !== undefined && noiseRules(alert).repeatMs !== undefined;
  };
  return {
    incidents,
    spread: createSpread(context, (delivery) => withoutNoise(delivery, { ...options, incidents })),
    release: (timer) => release(timer, { ...options, incidents }),
    waitingGroups: async () => (await memory.all<Group>('group')).flatMap(timersOf),
    dispatch: (event, id) => dispatch(event, id, context()),
    isNews: async (event, deliveries) =>
      deliveries.some(isRepeated) || endsFailures(event, context()),
  };
}
