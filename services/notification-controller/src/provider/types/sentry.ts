import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter, Endpoint } from '../adapter.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { fit } from '../fit.ts';
import { goJson, goTime, sorted } from '../go-json.ts';
import { stableId } from '../stable-id.ts';

/** Characters of a message, and of the value of a tag. */
const maxMessage = 8_192;
const maxTag = 200;

/**
 * Sends an error as an event to Sentry, and information as a transaction; the address is the DSN of the project.
 *
 * @see https://develop.sentry.dev/sdk/data-model/envelopes/
 */
export const sentry: Adapter = async (event, endpoint, send) => {
  const { url, key } = projectOf(endpoint);
  const id = stableId(event, 32);
  const isError = event.severity === 'error';
  const { kind, namespace = '', name } = event.involvedObject;
  const item = {
    event_id: id,
    platform: 'other',
    environment: endpoint.channel || undefined,
    transaction: `${kind}: ${namespace}/${name}`,
    message: fit(event.message, maxMessage),
    timestamp: goTime(event.timestamp),
    ...(isError ? errorOf(event) : transactionOf(event)),
  };
  const type = isError ? 'event' : 'transaction';
  const lines = [goJson({ event_id: id }), goJson({ type }), goJson(item)];
  await send({
    url,
    headers: {
      'content-type': 'application/x-sentry-envelope',
      'x-sentry-auth': `Sentry sentry_version=7, sentry_client=sluice/1.0, sentry_key=${key}`,
    },
    body: `${lines.join('\n')}\n`,
  });
};

function errorOf(event: FluxEvent) {
  return {
    level: 'error',
    server_name: event.reportingController,
    contexts: { metadata: sorted(event.metadata ?? {}) },
  };
}

function transactionOf(event: FluxEvent) {
  const { kind, namespace = '', name } = event.involvedObject;
  const tags = {
    ...event.metadata,
    flux_involved_object_kind: kind,
    flux_involved_object_namespace: namespace,
    flux_involved_object_name: name,
    flux_reporting_controller: event.reportingController,
    flux_reporting_instance: event.reportingInstance ?? '',
    flux_reason: event.reason,
  };
  const span = {
    trace_id: stableId(event, 32, 'trace'),
    span_id: stableId(event, 16, 'span'),
    op: 'event',
  };
  return {
    type: 'transaction',
    start_timestamp: goTime(event.timestamp),
    contexts: { trace: span },
    tags: sorted(
      Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, fit(value, maxTag)])),
    ),
    spans: [],
  };
}

/** A DSN is `https://<key>@<host>/<path>/<project>`. */
function projectOf({ address }: Endpoint): { url: string; key: string } {
  const { origin, username, pathname } = new URL(address);
  const [, path = '', project] = /^(.*)\/([^/]+)\/?$/.exec(pathname) ?? [];
  if (username !== '' && project !== undefined) {
    return { url: `${origin}${path}/api/${project}/envelope/`, key: username };
  }
  throw new UnusableProviderError(
    "the key 'address' of the Secret of spec.secretRef is no DSN: write https://<key>@<host>/<project>",
  );
}
