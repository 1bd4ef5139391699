import type { Adapter } from '../adapter.ts';
import { tokenOf } from '../credentials.ts';
import { factsOf } from '../facts.ts';
import { fit } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** Characters of the text, the title and a tag. */
const maxText = 4_000;
const maxTitle = 500;
const maxTag = 200;

/**
 * Posts an event to Datadog, with the object and the metadata as tags.
 *
 * @see https://docs.datadoghq.com/api/latest/events/#post-an-event
 */
export const datadog: Adapter = async (event, endpoint, send, context) => {
  const headers = { 'dd-api-key': tokenOf(endpoint, 'API key'), accept: 'application/json' };
  const { kind, name, namespace = '' } = event.involvedObject;
  const { isError, metadata } = factsOf(event);
  const tags = [
    ['flux_reporting_controller', event.reportingController],
    ['flux_reason', event.reason],
    ['kube_kind', kind],
    ['kube_name', name],
    ['kube_namespace', namespace],
    ...metadata,
  ];
  const facts = Object.entries(context.facts).map(([key, value]) => `${key}: ${value}`);
  const body = goJson({
    alert_type: isError ? 'error' : 'info',
    date_happened: Math.floor(Date.parse(event.timestamp) / 1000),
    source_type_name: 'fluxcd',
    tags: tags.map(([key, value]) => fit(`${key}:${value}`.toLowerCase(), maxTag)),
    text: fit([event.message, ...facts].join('\n'), maxText),
    title: fit(`Events from the ${kind} ${name}/${namespace}`, maxTitle),
  });
  await send({ url: new URL('/api/v1/events', endpoint.address).href, headers, body });
};
