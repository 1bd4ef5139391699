import type { Adapter } from '../adapter.ts';
import { channelOf } from '../credentials.ts';
import { factsOf, isProgress, reasonInWords, shortName } from '../facts.ts';
import { fit, fitBytes, fitEntries } from '../fit.ts';
import { goJson, goTime, sorted } from '../go-json.ts';

/** Characters of a summary; bytes of the message, and characters of the metadata: an event may have 512 KiB. */
const maxSummary = 1024;
const maxMessage = 128 * 1024;
const metadataLimits = { maxValue: 8 * 1024, maxTotal: 64 * 1024 };

/**
 * Opens an incident of PagerDuty for a failure, and resolves it at a success, which is a change event, too. The key of
 * the incident is the object's UID.
 *
 * @see https://developer.pagerduty.com/docs/send-alert-event
 */
export const pagerduty: Adapter = async (event, endpoint, send) => {
  if (isProgress(event)) return;
  const key = channelOf(endpoint, 'the integration key of the service');
  const { origin } = new URL(endpoint.address);
  const { isError, metadata: all } = factsOf(event);
  const metadata = fitEntries(all, metadataLimits);
  const summary = fit(`${reasonInWords(event.reason)}: ${shortName(event)}`, maxSummary);
  const source = `Flux ${event.reportingController}`;
  const timestamp = goTime(event.timestamp);
  const details = {
    message: fitBytes(event.message, maxMessage),
    metadata: event.metadata === undefined ? null : sorted(Object.fromEntries(metadata)),
  };
  const payload = {
    summary,
    source,
    severity: 'error',
    timestamp,
    component: event.involvedObject.name,
    group: event.involvedObject.kind,
    custom_details: details,
  };
  const incident = {
    routing_key: key,
    event_action: isError ? 'trigger' : 'resolve',
    dedup_key: event.involvedObject.uid || undefined,
    payload: isError ? payload : undefined,
  };
  await send({ url: `${origin}/v2/enqueue`, body: goJson(incident) });
  if (isError) return;
  const change = {
    routing_key: key,
    payload: { summary, source, timestamp, custom_details: details },
    links: null,
  };
  await send({ url: `${origin}/v2/change/enqueue`, body: goJson(change) });
};
