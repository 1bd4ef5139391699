import type { FluxEvent } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import type { Delivery, GroupList } from '../delivery/delivery.ts';
import type { Batch } from './group.ts';
import { groupMessage, saidOf } from './group-message.ts';

/** Makes one delivery of the members of a batch, which its event lists. */
export function composed(batch: Batch, alertUid: string | undefined): Delivery {
  const members = deliveriesOf(batch);
  const [first] = members;
  if (first === undefined) throw new RangeError('a batch without members makes no delivery');
  const { alert, provider } = first;
  // One commit may be what all of them are about.
  const facts = inCommon(members.map((member) => member.facts ?? {}));
  return {
    id: batch.id,
    event: groupEvent(batch, { ...alert, uid: alertUid }),
    ...(Object.keys(facts).length > 0 && { facts }),
    alert,
    provider,
    key: sha256Hex(batch.id),
    at: Math.max(...members.map(({ at = 0 }) => at)),
    members: members.map((member) => ({ ...member, id: batch.id })),
    list: listOf(batch),
  };
}

function deliveriesOf({ members }: Batch): Delivery[] {
  return members.map(({ delivery }) => delivery);
}

function listOf({ members, more }: Batch): GroupList {
  return { counts: members.map(({ count }) => count), more };
}

function groupEvent(
  batch: Batch,
  alert: { namespace: string; name: string; uid?: string },
): FluxEvent {
  const events = batch.members.map(({ delivery }) => delivery.event);
  const last = events.reduce((a, b) => (Date.parse(a.timestamp) > Date.parse(b.timestamp) ? a : b));
  const metadata = inCommon(events.map((event) => event.metadata ?? {}));
  return {
    involvedObject: {
      apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
      kind: 'Alert',
      ...alert,
    },
    severity: events.some(({ severity }) => severity === 'error') ? 'error' : 'info',
    timestamp: last.timestamp,
    reason: common(events.map(({ reason }) => reason)) ?? 'Grouped',
    message: groupMessage(deliveriesOf(batch), listOf(batch), saidOf),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    reportingController:
      common(events.map(({ reportingController }) => reportingController)) ??
      'notification-controller',
  };
}

/** What all have, and have alike. */
function common(values: readonly string[]): string | undefined {
  const [first] = values;
  return values.every((value) => value === first) ? first : undefined;
}

function inCommon(maps: readonly Record<string, string>[]): Record<string, string> {
  const [first = {}, ...others] = maps;
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => others.every((map) => map[key] === value)),
  );
}
