import type { Adapter } from '../adapter.ts';
import { bearer, tokenOf } from '../credentials.ts';
import { factsOf, isProgress } from '../facts.ts';
import { fit } from '../fit.ts';
import { goJson, sorted } from '../go-json.ts';

/** Characters of a description; incident.io names no limit, and a request may not be endless. */
const maxDescription = 50_000;

/**
 * Fires an alert of an HTTP source of incident.io for a failure, and resolves it at a success. The key of the alert is
 * the object's UID.
 *
 * @see https://api-docs.incident.io/tag/Alert-Events-V2
 */
export const incidentIo: Adapter = async (event, endpoint, send) => {
  if (isProgress(event)) return;
  const headers = bearer(tokenOf(endpoint, 'token'));
  const { object, isError } = factsOf(event);
  const { reportingController, reason, severity } = event;
  const body = goJson({
    title: `${object}: ${reason}`,
    status: isError ? 'firing' : 'resolved',
    deduplication_key: event.involvedObject.uid ?? '',
    description: event.message === '' ? undefined : fit(event.message, maxDescription),
    metadata: sorted({
      ...event.metadata,
      severity,
      reason,
      ...(reportingController !== '' && { reportingController }),
    }),
  });
  await send({ url: endpoint.address, headers, body });
};
