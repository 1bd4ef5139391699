import type { Adapter, Endpoint } from '../adapter.ts';
import { basicOrBearer, bearer } from '../credentials.ts';
import { factsOf } from '../facts.ts';
import { goJson } from '../go-json.ts';

/**
 * Posts an annotation to Grafana, in its form for Graphite; the address is that of the annotations' API.
 *
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/#create-annotation-in-graphite-format
 */
export const grafana: Adapter = async (event, endpoint, send) => {
  const { object, metadata } = factsOf(event);
  const { kind, name, namespace = '' } = event.involvedObject;
  // Grafana takes a colon for the end of a tag's name.
  const plain = (text: string) => text.replaceAll(':', '|');
  const body = goJson({
    when: Math.floor(Date.parse(event.timestamp) / 1000),
    text: object,
    tags: [
      'flux',
      event.reportingController,
      ...metadata.map(([key, value]) => `${plain(key)}: ${plain(value)}`),
      `kind: ${kind}`,
      `name: ${name}`,
      `namespace: ${namespace}`,
    ],
  });
  await send({ url: endpoint.address, headers: login(endpoint), body });
};

/** A token counts more than user and password here. */
function login(endpoint: Endpoint): Record<string, string> {
  return endpoint.token ? bearer(endpoint.token) : basicOrBearer(endpoint);
}
