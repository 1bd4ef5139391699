import type { Delivery, GroupList } from '../delivery/delivery.ts';
import { fit } from '../provider/fit.ts';

/** Characters of what is said of one member. */
const maxSaid = 300;

/**
 * The message of a group: how many there are, and what is said of each.
 *
 * @param said of one member; further lines of it belong to the first
 */
export function groupMessage(
  members: readonly Delivery[],
  { counts, more }: GroupList,
  said: (member: Delivery, index: number) => string,
): string {
  const lines = members.map((member, index) => {
    const count = counts[index] ?? 1;
    const times = count > 1 ? ` (${count} times)` : '';
    return `- ${said(member, index).trim().replaceAll('\n', '\n  ')}${times}`;
  });
  const rest = more > 0 ? [`- and ${more} more`] : [];
  return [headline(members, more), ...lines, ...rest].join('\n');
}

/** What is said of a member without a template: the object, the reason and the first line of the message. */
export function saidOf({ event }: Delivery): string {
  const { kind, namespace = '', name } = event.involvedObject;
  const [text = ''] = event.message.split('\n');
  const said = `${kind}/${namespace}/${name}: ${event.reason}: ${text}`;
  return said.length > maxSaid ? `${said.slice(0, maxSaid)} …` : said;
}

/** Shortens the words of a template for one of many. */
export function shortened(text: string): string {
  return fit(text, maxSaid);
}

function headline(members: readonly Delivery[], more: number): string {
  const count = members.length + more;
  if (members.every(({ recovers }) => recovers !== undefined)) return `${count} recoveries`;
  return members.every(({ event }) => event.severity === 'error')
    ? `${count} failures`
    : `${count} events`;
}
