import type { Alert, Provider } from '@sluice/shared/api';
import type { Delivery } from '../delivery/delivery.ts';
import type { Incidents } from '../incident/incidents.ts';
import type { AlertMemory } from '../memory/memory.ts';
import { groupsByItself, keepsIncidents } from '../provider/type-groups.ts';
import { composed } from './compose.ts';
import { type Batch, closed, type Group, sent } from './group.ts';
import { isQuiet } from './quiet-hours.ts';
import { noiseRules } from './rules.ts';

export interface ReleaseContext {
  alertOf: (key: string) => Alert | undefined;
  providerOf: (key: string) => Provider | undefined;
  memory: AlertMemory;
  incidents: Incidents;
  now?: () => number;
}

/** What becomes of a group at a time. */
export type Release =
  | { waitMs: number }
  /** `stored` notes that the deliveries are; until then the same ones are made again. */
  | { deliveries: Delivery[]; stored: () => Promise<void> };

/** Longest time between two looks at a group, after which a change of its alert shows. */
const maxWaitMs = 15_000;

/**
 * Looks whether a group is due, and makes its deliveries when it is.
 *
 * @param timer the delivery that opened the group
 * @throws Error when what alerts remember cannot be read or stored now
 */
export async function release(timer: Delivery, context: ReleaseContext): Promise<Release> {
  const { memory, now = Date.now } = context;
  const { group: key = '', batch: id = '' } = timer.timer ?? {};
  const place = { alert: timer.alert, what: 'group' as const, key };
  const before = await memory.read<Group>(place);
  if (before?.sent.includes(id)) return { deliveries: [], stored: async () => undefined };
  if (before?.open?.id === id) {
    const waitMs = timeUntil(before.open, timer, context);
    if (waitMs > 0) return { waitMs: Math.min(waitMs, maxWaitMs) };
  }
  const group = await memory.change<Group>(place, (present) => closed(present, id));
  const batch = group?.closing.find((each) => each.id === id) ?? remnant(timer);
  const deliveries = await deliveriesOf(batch, timer, context);
  return {
    deliveries,
    stored: async () => {
      await memory.change<Group>(place, (present) => sent(present, id));
    },
  };

  /** The group was forgotten, as when its stream was full or lost: its first delivery is left. */
  function remnant({ timer: _, ...delivery }: Delivery): Batch {
    const members = [{ delivery: { ...delivery, at: delivery.at ?? now() }, count: 1 }];
    return { id, openedAt: now(), members, more: 0 };
  }
}

function timeUntil(batch: Batch, { alert }: Delivery, context: ReleaseContext): number {
  const { alertOf, now = Date.now } = context;
  const current = alertOf(`${alert.namespace}/${alert.name}`);
  // An alert that is gone or suspended has its deliveries dropped one by one.
  if (current === undefined || current.spec.suspend) return 0;
  const { quiet, group } = noiseRules(current);
  if (isQuiet(quiet, now())) return maxWaitMs;
  // What the alert said at first, or what it says now if that is sooner.
  if (batch.dueAt === undefined || group === undefined) return 0;
  return Math.min(batch.dueAt, batch.openedAt + group.windowMs) - now();
}

/** What nobody knows of and is over by now is not told. */
async function deliveriesOf(
  batch: Batch,
  { alert, provider }: Delivery,
  context: ReleaseContext,
): Promise<Delivery[]> {
  const members = [];
  for (const member of batch.members) {
    const { delivery } = member;
    const isOver =
      delivery.incident !== undefined &&
      (await context.incidents.failureOf(delivery)) === undefined;
    if (!isOver) members.push(member);
  }
  const type = context.providerOf(`${alert.namespace}/${provider}`)?.spec.type;
  const [only] = members;
  if (only === undefined) return [];
  const isSingle = members.length === 1 && batch.more === 0;
  const hasRecoveries = members.some(({ delivery }) => delivery.recovers !== undefined);
  const isApart =
    type !== undefined && (groupsByItself(type) || (keepsIncidents(type) && hasRecoveries));
  const deliveries =
    isSingle || isApart
      ? members.map(({ delivery }) => ({ ...delivery, id: `${delivery.id}:released` }))
      : [composed({ ...batch, members }, uidOf(alert, context))];
  for (const delivery of deliveries) await context.incidents.opened(delivery);
  return deliveries;
}

function uidOf({ namespace, name }: Delivery['alert'], { alertOf }: ReleaseContext) {
  return alertOf(`${namespace}/${name}`)?.metadata.uid;
}
