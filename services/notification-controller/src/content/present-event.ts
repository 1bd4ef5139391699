import {
  type Alert,
  commitUrlFact,
  type FluxEvent,
  sourceRevisionFact,
  sourceUrlFact,
} from '@sluice/shared/api';
import type { Delivery } from '../delivery/delivery.ts';
import type { ProviderType } from '../provider/adapter.ts';
import { makesLabels, writesCommitStatus } from '../provider/type-groups.ts';
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

/**
 * Makes of an event what its message is to say: in the words of `spec.template`, and with the commit's author, subject and address, the first failure and the
 * changes among its metadata, where the service does not make labels of those.
 */
export function presentEvent(
  { event, facts = {} }: Pick<Delivery, 'event' | 'facts'>,
  { alert, type }: { alert: Alert; type: ProviderType },
): Presented {
  const shown = structuredClone(event);
  if (writesCommitStatus(type)) return { shown, facts: {} };
  const link = commitLink(event, facts, alert);
  const all = { ...facts, ...(link !== undefined && { [commitUrlFact]: link }) };
  const told = Object.fromEntries(Object.entries(all).filter(([key]) => !unshown.includes(key)));
  const whole = { ...event, metadata: { ...all, ...event.metadata } };
  shown.message = renderMessage(whole, alert);
  if (makesLabels(type) || Object.keys(told).length === 0) return { shown, facts: told };
  return { shown: { ...shown, metadata: { ...told, ...shown.metadata } }, facts: {} };
}
