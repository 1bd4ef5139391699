import type { Alert, Provider } from '@sluice/shared/api';
import type { DeliveredLog } from '../delivery/delivered.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { rememberedEvent } from '../incident/incident.ts';
import type { Incidents } from '../incident/incidents.ts';
import type { AlertMemory } from '../memory/memory.ts';
import type { ProviderType } from '../provider/adapter.ts';
import { groupsByItself, isAboutCommits, keepsIncidents } from '../provider/type-groups.ts';
import { type Group, isMember, timerFor, withMember } from './group.ts';
import { isQuiet } from './quiet-hours.ts';
import { type GroupField, hasNoiseRules, type NoiseRules, noiseRules } from './rules.ts';
import { reachesThreshold } from './threshold.ts';

/** Why a delivery is not made, or not now. */
export type Suppression = 'grouped' | 'quiet' | 'repeated' | 'threshold';

export interface NoiseContext {
  alertOf: (key: string) => Alert | undefined;
  providerOf: (key: string) => Provider | undefined;
  memory: AlertMemory;
  incidents: Incidents;
  delivered: DeliveredLog;
  onSuppressed: (delivery: Delivery, why: Suppression) => void;
  now?: () => number;
}

/** The group of quiet hours, which no field is called. */
const quietGroup = 'quiet';

/**
 * Decides by the rules of its alert whether a delivery is made now.
 *
 * @returns the delivery; or the timer of the group that it begins; or nothing
 * @throws Error when what alerts remember cannot be read or stored now
 */
export async function withoutNoise(
  delivery: Delivery,
  context: NoiseContext,
): Promise<Delivery | undefined> {
  const alert = context.alertOf(`${delivery.alert.namespace}/${delivery.alert.name}`);
  const type = context.providerOf(`${delivery.alert.namespace}/${delivery.provider}`)?.spec.type;
  const rules = alert && noiseRules(alert);
  if (rules === undefined || !hasNoiseRules(rules)) return delivery;
  if (type !== undefined && isAboutCommits(type)) return delivery;
  if (await isKnown(delivery, rules, context)) return undefined;
  const { now = Date.now } = context;
  const ready = withRepeats(delivery, rules);
  if (isQuiet(rules.quiet, now())) return atQuietHours(ready, type, context);
  if (rules.group === undefined || isUngrouped(ready, type)) return ready;
  const { fields, windowMs } = rules.group;
  return hold(ready, { key: groupKey(ready, fields), dueAt: now() + windowMs, type }, context);
}

function isUngrouped({ recovers }: Delivery, type: ProviderType | undefined): boolean {
  if (type === undefined) return false;
  return groupsByItself(type) || (keepsIncidents(type) && recovers !== undefined);
}

/** Whether a failure is not to be told: since there were too few, or since it was told not long ago. */
async function isKnown(
  delivery: Delivery,
  rules: NoiseRules,
  context: NoiseContext,
): Promise<boolean> {
  if (delivery.event.severity !== 'error') return false;
  const { memory, incidents, onSuppressed, now = Date.now } = context;
  if (rules.threshold && !(await reachesThreshold(delivery, rules.threshold, memory))) {
    onSuppressed(delivery, 'threshold');
    return true;
  }
  if (rules.repeatMs === undefined) return false;
  const failure = await incidents.failureOf(delivery);
  if (failure === undefined || failure.over) return false;
  const isUnderWay = failure.waiting.some((id) => id !== delivery.id);
  const wasTold = failure.toldAt !== undefined && now() - failure.toldAt < rules.repeatMs;
  if (!isUnderWay && !wasTold) return false;
  onSuppressed(delivery, 'repeated');
  return true;
}

/** A failure that is to be repeated by its alert's interval is not held up by that of the controller. */
function withRepeats(delivery: Delivery, { repeatMs }: NoiseRules): Delivery {
  const isRepeated =
    repeatMs !== undefined &&
    delivery.incident !== undefined &&
    rememberedEvent(delivery.event) !== undefined;
  return isRepeated ? { ...delivery, repeats: true } : delivery;
}

/** Failures wait, and what ends them where people would hear of it; services that keep incidents end them at once. */
async function atQuietHours(
  delivery: Delivery,
  type: ProviderType | undefined,
  context: NoiseContext,
): Promise<Delivery | undefined> {
  if (delivery.recovers !== undefined) {
    const only: Delivery = { ...delivery, recovers: 'only' };
    if (type !== undefined && keepsIncidents(type)) return only;
    return hold(only, { key: `${quietGroup}/recovered`, type }, context);
  }
  if (delivery.event.severity === 'error')
    return hold(delivery, { key: quietGroup, type }, context);
  context.onSuppressed(delivery, 'quiet');
  return undefined;
}

/** Puts a delivery into a group; `dueAt` in milliseconds since the epoch, or else at the end of the quiet hours. */
async function hold(
  delivery: Delivery,
  o: { key: string; dueAt?: number; type: ProviderType | undefined },
  context: NoiseContext,
): Promise<Delivery | undefined> {
  // What is delivered as part of a group counts like what is delivered alone.
  const { recovers, repeats } = delivery;
  const isAlwaysNews = recovers !== undefined || repeats === true;
  if (!isAlwaysNews && (await context.delivered.wasDelivered(delivery))) {
    context.onSuppressed(delivery, 'repeated');
    return undefined;
  }
  if (delivery.incident !== undefined) await context.incidents.opened(delivery, { held: true });
  const { key, dueAt, type } = o;
  const nowMs = (context.now ?? Date.now)();
  const place = { alert: delivery.alert, what: 'group' as const, key };
  const countsRest = type === undefined || !keepsIncidents(type);
  const group = await context.memory.change<Group>(place, (before) =>
    withMember(before, delivery, {
      openedAt: nowMs,
      countsRest,
      ...(dueAt !== undefined && { dueAt }),
    }),
  );
  if (!countsRest && !isMember(group, delivery)) {
    // A service that has an incident for each would never hear of it: better at once.
    await context.incidents.opened(delivery);
    return delivery;
  }
  context.onSuppressed(delivery, 'grouped');
  return group && timerFor(group, delivery, { key, nowMs });
}

function groupKey(delivery: Delivery, fields: readonly GroupField[]): string {
  const { event, recovers } = delivery;
  const { kind, namespace = '', name } = event.involvedObject;
  const values: Record<GroupField, string> = {
    kind,
    namespace,
    name,
    reason: event.reason,
    revision: event.metadata?.['revision'] ?? '',
  };
  const sort = recovers === undefined ? event.severity : 'recovered';
  return JSON.stringify([sort, ...[...fields].sort().map((field) => [field, values[field]])]);
}
