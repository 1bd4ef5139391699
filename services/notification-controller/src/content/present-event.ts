import {
  type Alert,
  commitAuthorFact,
  commitSubjectFact,
  commitUrlFact,
  type FluxEvent,
  sourceRevisionFact,
  sourceUrlFact,
} from '@sluice/shared/api';
import type { Delivery } from '../delivery/delivery.ts';
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
}

/** Facts that are the words of whoever wrote the commit. */
const written: readonly string[] = [commitAuthorFact, commitSubjectFact];

/**
 * Makes of an event what its message is to say: in the words of `spec.template`, and with the commit's author, subject
 * and address, the first failure and the changes among its metadata, where the service does not make labels of those.
 */
export function presentEvent(
  { event, facts = {}, members }: Pick<Delivery, 'event' | 'facts' | 'members'>,
  { alert, type }: { alert: Alert; type: ProviderType },
): Presented {
  const shown = structuredClone(event);
  if (writesCommitStatus(type)) return { shown, facts: {} };
  const link = commitLink(event, facts, alert);
  const given = canMention(type) ? withoutMentions(facts) : facts;
  const all = { ...given, ...(link !== undefined && { [commitUrlFact]: link }) };
  const told = Object.fromEntries(Object.entries(all).filter(([key]) => !unshown.includes(key)));
  const whole = { ...event, metadata: { ...all, ...event.metadata } };
  // A group is a list, in which no template would find what it is made for.
  if (members === undefined) shown.message = renderMessage(whole, alert);
  if (makesLabels(type) || Object.keys(told).length === 0) return { shown, facts: told };
  return { shown: { ...shown, metadata: { ...told, ...shown.metadata } }, facts: {} };
}

/** Takes from a commit's words the power to call people, as `@all` or `<!channel>` do, by a space that nobody sees. */
function withoutMentions(facts: Record<string, string>): Record<string, string> {
  const entries = Object.entries(facts).map(([key, value]) => [
    key,
    written.includes(key) ? value.replace(/[@<](?=\S)/g, '$&\u200b') : value,
  ]);
  return Object.fromEntries(entries);
}
