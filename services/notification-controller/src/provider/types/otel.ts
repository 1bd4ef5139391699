import { createHash } from 'node:crypto';
import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter, Endpoint } from '../adapter.ts';
import { basic, bearer } from '../credentials.ts';
import { fit } from '../fit.ts';
import { goJson, sorted } from '../go-json.ts';
import { stableId } from '../stable-id.ts';

/** Repositories of charts are no part of what a trace tells. */
const skippedKind = 'HelmRepository';
/** Characters of a status message; collectors take 4 MiB in a request, and backends less. */
const maxMessage = 16_384;
const [ok, error] = [1, 2];
const spanKindInternal = 1;

/**
 * Sends a span to a collector by OTLP over HTTP, in JSON. All events of a revision have one trace for each Alert.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export const otel: Adapter = async (event, endpoint, send, { alert }) => {
  const { kind, namespace = '', name, uid = '' } = event.involvedObject;
  if (kind === skippedKind) return;
  const trace = createHash('sha256')
    .update(`${alert.uid}:${revisionOf(event)}`)
    .digest('hex');
  const time = `${BigInt(Date.parse(event.timestamp)) * 1_000_000n}`;
  const attributes = {
    'object.uid': uid,
    'object.kind': kind,
    'object.name': name,
    'object.namespace': namespace,
    ...sorted(event.metadata ?? {}),
  };
  const span = {
    traceId: trace.slice(0, 32),
    spanId: stableId(event, 16),
    name: `${kind}: ${namespace}/${name}`,
    kind: spanKindInternal,
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes: attributesOf(attributes),
    status:
      event.severity === 'error'
        ? { code: error, message: fit(event.message, maxMessage) }
        : { code: ok },
  };
  const resource = {
    attributes: attributesOf({
      'service.name': `${alert.namespace}/${alert.name}`,
      'service.namespace': alert.namespace,
      'service.instance.id': alert.uid,
    }),
  };
  const scopeSpans = [{ scope: { name: 'flux:notification-controller' }, spans: [span] }];
  const body = goJson({ resourceSpans: [{ resource, scopeSpans }] });
  await send({ url: endpoint.address, headers: { ...login(endpoint), ...endpoint.headers }, body });
};

function attributesOf(values: Record<string, string>) {
  return Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** What is the same for all that one commit or artifact brings about. */
function revisionOf({ metadata = {} }: FluxEvent): string {
  const { revision = 'unknown', 'oci-digest': digest, 'app-version': version } = metadata;
  return digest !== undefined && version !== undefined ? `${version}@${digest}` : revision;
}

function login({ token, username, password }: Endpoint): Record<string, string> {
  const secret = token || password;
  if (secret === '') return {};
  return username === '' ? bearer(secret) : basic(username, secret);
}
