import {
  type Alert,
  eventCommitStatusKey,
  type FluxEvent,
  type Provider,
} from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import type { Delivery } from '../delivery/delivery.ts';
import { deliveryTo } from '../delivery/dispatch.ts';
import { eventKey } from '../event/event-key.ts';
import { alertsAbout, type MatchContext } from '../event/match.ts';
import { cleanMetadata, objectPrefix } from '../event/metadata.ts';
import { hasNoiseRules, noiseRules } from '../noise/rules.ts';
import { hearsRecoveries, isAboutCommits } from '../provider/type-groups.ts';
import { type Failure, failureKey } from './incident.ts';
import type { Incidents } from './incidents.ts';
import { isRecovery, unsaidReasons } from './recovery.ts';

export interface RecoveryContext extends MatchContext {
  providerOf: (key: string) => Provider | undefined;
  incidents: Incidents;
  logger: Logger;
}

/**
 * Whether the end of a failure matters: since the provider is told of it, as one that is not there yet may be, or since
 * the next failure is then another one for the alert.
 */
export function remembersFailures(alert: Alert, provider: Provider | undefined): boolean {
  if (provider === undefined || hearsRecoveries(provider.spec.type)) return true;
  return !isAboutCommits(provider.spec.type) && hasNoiseRules(noiseRules(alert));
}

/** Marks deliveries that tell of a failure whose end will matter. */
export function withIncident(delivery: Delivery, remembers: boolean): Delivery {
  if (!remembers || delivery.event.severity !== 'error') return delivery;
  return { ...delivery, incident: failureKey(delivery.event) };
}

/**
 * Adds to the deliveries of an event what ends failures that alerts told of: to alerts that do not want the event
 * itself as well.
 *
 * @throws Error when what alerts remember cannot be read now
 */
export async function withRecoveries(
  deliveries: Delivery[],
  o: { event: FluxEvent; id: string; at: number },
  context: RecoveryContext,
): Promise<Delivery[]> {
  if (!isRecovery(o.event)) return deliveries;
  const cleaned = withoutCommitStatus(cleanMetadata(o.event));
  const added: Delivery[] = [];
  for (const alert of await alertsAbout(cleaned, context)) {
    const { namespace = '', name } = alert.metadata;
    const provider = context.providerOf(`${namespace}/${alert.spec.providerRef.name}`);
    if (!remembersFailures(alert, provider)) continue;
    const about = { alert: { namespace, name }, event: cleaned, at: o.at };
    const ended = await context.incidents.endedBy(about);
    // Nobody knows of what was held back, and nobody is told any more.
    if (ended.some(({ held }) => held)) await context.incidents.dropHeld(about);
    const told = ended.filter(({ held }) => !held);
    if (told.length === 0) continue;
    if (provider && !hearsRecoveries(provider.spec.type)) {
      await context.incidents.forget(about);
      continue;
    }
    await context.incidents.ending(about);
    const own = deliveries.find(
      (delivery) => delivery.alert.namespace === namespace && delivery.alert.name === name,
    );
    if (own) own.recovers = 'also';
    else added.push(recoveryOf(alert, { ...o, event: cleaned, told }, context.logger));
  }
  return [...deliveries, ...added];
}

/** Whether an event ends failures that alerts told of, so that it is news although it was delivered lately. */
export async function endsFailures(event: FluxEvent, context: RecoveryContext): Promise<boolean> {
  if (!isRecovery(event)) return false;
  const cleaned = cleanMetadata(event);
  for (const { metadata } of await alertsAbout(cleaned, context)) {
    const alert = { namespace: metadata.namespace ?? '', name: metadata.name };
    const ended = await context.incidents.endedBy({ alert, event: cleaned });
    if (ended.length > 0) return true;
  }
  return false;
}

function recoveryOf(
  alert: Alert,
  o: { event: FluxEvent; id: string; at: number; told: Failure[] },
  logger: Logger,
): Delivery {
  const reasons = [...new Set(o.told.map(({ event }) => event.reason))].join(', ');
  const isGone = o.event.reason === unsaidReasons.deleted;
  const message = isGone
    ? `${o.event.message}, which ends ${reasons}`
    : `Recovered from ${reasons}: ${o.event.message}`;
  const event = { ...o.event, message };
  const delivery = deliveryTo(alert, { event, id: o.id, key: eventKey(event) }, logger);
  return { ...delivery, id: `${delivery.id}:recovery`, at: o.at, recovers: 'only' };
}

/** The mark is for services that write the status of a commit; people should not see it. */
function withoutCommitStatus(event: FluxEvent): FluxEvent {
  if (event.metadata === undefined) return event;
  const { [`${objectPrefix(event)}${eventCommitStatusKey}`]: _, ...metadata } = event.metadata;
  return { ...event, metadata };
}
