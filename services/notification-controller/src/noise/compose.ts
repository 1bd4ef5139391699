import type { FluxEvent } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import type { Delivery } from '../delivery/delivery.ts';
import type { Batch, Member } from './group.ts';

const maxLine = 300;

/** Makes one delivery of the members of a batch, which its event lists. */
export function composed(batch: Batch, alertUid: string | undefined): Delivery {
  const members = batch.members.map(({ delivery }) => delivery);
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
  };
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
    message: [headline(batch), ...batch.members.map(line), ...moreLines(batch)].join('\n'),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    reportingController:
      common(events.map(({ reportingController }) => reportingController)) ??
      'notification-controller',
  };
}

function headline({ members, more }: Batch): string {
  const deliveries = members.map(({ delivery }) => delivery);
  const count = members.length + more;
  if (deliveries.every(({ recovers }) => recovers !== undefined)) return `${count} recoveries`;
  return deliveries.every(({ event }) => event.severity === 'error')
    ? `${count} failures`
    : `${count} events`;
}

function line({ delivery: { event }, count }: Member): string {
  const { kind, namespace = '', name } = event.involvedObject;
  const [text = ''] = event.message.split('\n');
  const times = count > 1 ? ` (${count} times)` : '';
  const said = `${kind}/${namespace}/${name}: ${event.reason}: ${text}`;
  return `- ${said.length > maxLine ? `${said.slice(0, maxLine)} …` : said}${times}`;
}

function moreLines({ more }: Batch): string[] {
  return more > 0 ? [`- and ${more} more`] : [];
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
