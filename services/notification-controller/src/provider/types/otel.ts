import { createHash } from 'node:crypto';
import type { AuditRecord, FluxEvent } from '@sluice/shared/api';
import type {
  Adapter,
  DeliveryContext,
  Endpoint,
  ProviderRequest,
  RecordAdapter,
} from '../adapter.ts';
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
/** Of W3C, in the version that there is. */
const traceparentForm = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/**
 * Sends a span to a collector by OTLP over HTTP, in JSON. All events of a revision have one trace for each Alert.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export const otel: Adapter = async (event, endpoint, send, { alert }) => {
  const { kind } = event.involvedObject;
  if (kind === skippedKind) return;
  const span = {
    traceId: traceOf(alert, revisionOf(event)),
    spanId: stableId(event, 16),
    name: nameOf(event.involvedObject),
    time: event.timestamp,
    attributes: { ...objectOf(event.involvedObject), ...sorted(event.metadata ?? {}) },
    status:
      event.severity === 'error'
        ? { code: error, message: fit(event.message, maxMessage) }
        : { code: ok },
  };
  await send(requestOf(span, endpoint, alert));
};

/**
 * Sends a record as a span, with its fields as attributes and the whole of it as one more. Its trace is that of the events
 * of its revision, were they sent through the same Alert; a link names the trace of the reconcile.
 */
export const otelRecord: RecordAdapter = async (record, endpoint, send, { alert }) => {
  const { id, action, object, revision, time, result, traceparent = '' } = record;
  const [, traceId, spanId] = traceparentForm.exec(traceparent) ?? [];
  const span = {
    traceId: traceOf(alert, revision ?? id),
    spanId: createHash('sha256').update(`audit\n${id}`).digest('hex').slice(0, 16),
    name: `audit ${action} ${nameOf(object)}`,
    time,
    attributes: { ...objectOf(object), ...fieldsOf(record) },
    ...(traceId && spanId && { links: [{ traceId, spanId }] }),
    status: { code: result === 'failed' ? error : ok },
  };
  await send(requestOf(span, endpoint, alert));
};

interface Span {
  traceId: string;
  spanId: string;
  name: string;
  /** RFC 3339. */
  time: string;
  attributes: Record<string, string>;
  links?: { traceId: string; spanId: string }[];
  status: { code: number; message?: string };
}

type Subject = Pick<FluxEvent['involvedObject'], 'kind' | 'namespace' | 'name' | 'uid'>;

function nameOf({ kind, namespace = '', name }: Subject): string {
  return `${kind}: ${namespace}/${name}`;
}

function objectOf({ kind, namespace = '', name, uid = '' }: Subject): Record<string, string> {
  return {
    'object.uid': uid,
    'object.kind': kind,
    'object.name': name,
    'object.namespace': namespace,
  };
}

function traceOf(alert: DeliveryContext['alert'], of: string): string {
  return createHash('sha256').update(`${alert.uid}:${of}`).digest('hex').slice(0, 32);
}

/** What a record says, by names of attributes; what it does not say is left out. */
function fieldsOf(record: AuditRecord): Record<string, string> {
  const { id, action, phase, result, revision, who, what = {}, why = {} } = record;
  const listed = (texts: readonly string[] | undefined) => texts?.join(', ');
  const fields = {
    id,
    action,
    phase,
    result,
    controller: who.controller,
    author: who.author,
    users: listed(who.users),
    before: what.before,
    after: what.after,
    plan: what.plan,
    count: what.count?.toString(),
    mode: why.mode,
    approvals: listed(why.approvals),
    window: why.window,
    text: why.text,
    record: JSON.stringify(record),
  };
  const said = Object.entries(fields).flatMap(([name, value]) =>
    value ? [[`sluice.audit.${name}`, value] as const] : [],
  );
  return { ...(revision && { revision }), ...Object.fromEntries(said) };
}

function requestOf(
  { time, attributes, ...rest }: Span,
  endpoint: Endpoint,
  alert: DeliveryContext['alert'],
): ProviderRequest {
  const at = `${BigInt(Date.parse(time)) * 1_000_000n}`;
  const { traceId, spanId, name, links, status } = rest;
  const span = {
    traceId,
    spanId,
    name,
    kind: spanKindInternal,
    startTimeUnixNano: at,
    endTimeUnixNano: at,
    attributes: attributesOf(attributes),
    links,
    status,
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
  return { url: endpoint.address, headers: { ...login(endpoint), ...endpoint.headers }, body };
}

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
