import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter, Endpoint } from '../adapter.ts';
import { basicOrBearer, bearer } from '../credentials.ts';
import { factsOf } from '../facts.ts';
import { fit, fitEntries } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** Characters of the name of a tag, and of its value, by its databases; of all that are metadata. */
const tagLimits = { maxKey: 100, maxValue: 100, maxTotal: 10_000 };

/**
 * Posts an annotation to Grafana, in its form for Graphite; the address is that of the annotations' API. The annotation
 * of a failure that the event ends becomes a region up to it.
 *
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/#create-annotation-in-graphite-format
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/#patch-annotation
 */
export const grafana: Adapter = async (event, endpoint, send, context) => {
  const { resolves = [], isRecoveryOnly = false } = context;
  const headers = login(endpoint);
  if (!isRecoveryOnly) {
    const { body } = await send({ url: endpoint.address, headers, body: annotation(event) });
    const id = idIn(body);
    if (id !== undefined) context.remember?.(id);
  }
  for (const { receipt } of resolves) {
    if (receipt === undefined) continue;
    const url = annotationUrl(endpoint, receipt);
    const body = goJson({ timeEnd: Date.parse(event.timestamp) });
    // Somebody may have deleted it.
    await send({ method: 'PATCH', url, headers, body, accept: [404] });
  }
};

function annotation(event: FluxEvent): string {
  const { object, metadata } = factsOf(event);
  const { kind, name, namespace = '' } = event.involvedObject;
  // Grafana takes a colon for the end of a tag's name.
  const plain = (text: string) => text.replaceAll(':', '|');
  return goJson({
    when: Math.floor(Date.parse(event.timestamp) / 1000),
    text: object,
    tags: [
      'flux',
      event.reportingController,
      ...fitEntries(metadata, tagLimits).map(([key, value]) => `${plain(key)}: ${plain(value)}`),
      `kind: ${kind}`,
      `name: ${fit(name, tagLimits.maxValue)}`,
      `namespace: ${namespace}`,
    ],
  });
}

/** An older Grafana, or what stands before it, may answer without. */
function idIn(answer: string): string | undefined {
  try {
    const { id } = JSON.parse(answer) as { id?: unknown };
    return Number.isSafeInteger(id) ? String(id) : undefined;
  } catch {
    return undefined;
  }
}

function annotationUrl({ address }: Endpoint, id: string): string {
  const url = new URL(address);
  url.pathname = `${url.pathname.replace(/(\/graphite)?\/*$/, '')}/${id}`;
  return url.href;
}

/** A token counts more than user and password here. */
function login(endpoint: Endpoint): Record<string, string> {
  return endpoint.token ? bearer(endpoint.token) : basicOrBearer(endpoint);
}
