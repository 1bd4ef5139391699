import {
  type Alert,
  commitAuthorFact,
  commitSubjectFact,
  commitUrlFact,
  type FluxEvent,
  sourceRevisionFact,
  sourceUrlFact,
} from '@sluice/shared/api';
import { TimeSlice } from '@sluice/shared/base';
import type { Delivery } from '../delivery/delivery.ts';
import { groupMessage, shortened } from '../noise/group-message.ts';
import type { ProviderType } from '../provider/adapter.ts';
import { canMention, makesLabels, writesCommitStatus } from '../provider/type-groups.ts';
import { commitLink } from './commit-link.ts';
import { renderMessage } from './render-message.ts';

/** Facts that say where to look; the link to the commit says it better. */
const unshown: readonly string[] = [sourceUrlFact, sourceRevisionFact];

/** An event as a type of provider gets it. */
export interface Presented {
  /** A copy, which the adapter may take apart. */
  shown: FluxEvent;
  /** What of the facts is not in the metadata of the event. */
  facts: Record<string, string>;
  /** The events that it lists, as they are to be said. */
  members?: FluxEvent[];
}

/** Facts that are the words of whoever wrote the commit. */
const written: readonly string[] = [commitAuthorFact, commitSubjectFact];

/**
 * Makes of an event what its message is to say: in the words of `spec.template`, and with the commit's author, subject
 * and address, the first failure and the changes among its metadata, where the service does not make labels of those.
 * The message of a group lists its members in the words of the template.
 */
export async function presentEvent(
  delivery: Presentable,
  o: { alert: Alert; type: ProviderType },
): Promise<Presented> {
  const { alert, type } = o;
  const shown = copied(delivery.event);
  if (writesCommitStatus(type)) return { shown, facts: {} };
  const all = factsOf(delivery, o);
  const told = Object.fromEntries(Object.entries(all).filter(([key]) => !unshown.includes(key)));
  const members = await presentMembers(delivery, o);
  if (members === undefined) shown.message = messageOf(delivery, all, alert);
  else if (alert.spec.template && delivery.members && delivery.list) {
    const said = (_: Delivery, index: number) => shortened(members[index]?.message ?? '');
    shown.message = groupMessage(delivery.members, delivery.list, said);
  }
  const rest = members && { members };
  if (makesLabels(type) || Object.keys(told).length === 0) return { shown, facts: told, ...rest };
  return { shown: { ...shown, metadata: { ...told, ...shown.metadata } }, facts: {}, ...rest };
}

/** All that an event is made of; it is done for every delivery. */
function copied(event: FluxEvent): FluxEvent {
  const { involvedObject, metadata } = event;
  return {
    ...event,
    involvedObject: { ...involvedObject },
    ...(metadata && { metadata: { ...metadata } }),
  };
}

type Presentable = Pick<Delivery, 'event' | 'facts' | 'members' | 'list'>;

/** A template may take its time, and a group has many. */
async function presentMembers(
  { members }: Presentable,
  o: { alert: Alert; type: ProviderType },
): Promise<FluxEvent[] | undefined> {
  if (members === undefined) return undefined;
  const slice = new TimeSlice();
  const presented: FluxEvent[] = [];
  for (const member of members) {
    if (slice.isOver) await slice.next();
    presented.push({ ...member.event, message: messageOf(member, factsOf(member, o), o.alert) });
  }
  return presented;
}

function messageOf({ event }: Presentable, facts: Record<string, string>, alert: Alert): string {
  return renderMessage({ ...event, metadata: { ...facts, ...event.metadata } }, alert);
}

/** What is known of an event, with the address of its commit. */
function factsOf(
  { event, facts = {} }: Presentable,
  { alert, type }: { alert: Alert; type: ProviderType },
): Record<string, string> {
  const link = commitLink(event, facts, alert);
  const given = canMention(type) ? withoutMentions(facts) : facts;
  return { ...given, ...(link !== undefined && { [commitUrlFact]: link }) };
}

/** Takes from a commit's words the power to call people, as `@all` or `<!channel>` do, by a space that nobody sees. */
function withoutMentions(facts: Record<string, string>): Record<string, string> {
  const entries = Object.entries(facts).map(([key, value]) => [
    key,
    written.includes(key) ? value.replace(/[@<](?=\S)/g, '$&\u200b') : value,
  ]);
  return Object.fromEntries(entries);
}
