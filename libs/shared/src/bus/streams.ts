import type { ArtifactNotice, AuditRecord, FluxEvent, ObjectReference } from '@sluice/shared/api';
import { UnpublishableError } from './bus-errors.ts';

/** The streams of the bus, by what they carry. */
export type StreamId =
  | 'artifacts'
  | 'events'
  | 'deliveries'
  | 'deadletter'
  | 'delivered'
  | 'alerting'
  | 'audit';

/** What a stream carries and how much of it is kept. */
export interface StreamDefinition {
  /** Second token of its subjects; the first is the prefix of the bus. */
  token: string;
  description: string;
  /** `last`: the newest message of each subject; `queue`: until one consumer acknowledges; `window`: by age and size. */
  keeps: 'last' | 'queue' | 'window';
  /** What a full stream does: forget its oldest messages, or refuse new ones so that publishers keep them. */
  whenFull: 'dropOldest' | 'refuse';
  /** Milliseconds; 0 keeps messages of any age. */
  maxAgeMs: number;
  maxBytes: number;
  /** Messages of one subject, of which the oldest is forgotten for a new one; any number when unset. */
  maxPerSubject?: number;
  /** Milliseconds within which a message id is accepted only once. */
  duplicateWindowMs: number;
  /** Whether no message can be deleted and the stream not be purged, by anybody; it cannot be taken back. */
  undeletable?: boolean;
}

const mebibyte = 1024 * 1024;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Subjects, limits and purpose of every stream. */
export const streams = {
  artifacts: {
    token: 'artifact',
    description: 'Artifacts of sources, as hints; status.artifact of the source is the truth.',
    keeps: 'last',
    whenFull: 'dropOldest',
    maxAgeMs: 0,
    maxBytes: 32 * mebibyte,
    duplicateWindowMs: 2 * minuteMs,
  },
  events: {
    token: 'event',
    description: 'Events of all controllers, in the JSON of Flux.',
    keeps: 'window',
    whenFull: 'dropOldest',
    maxAgeMs: 7 * dayMs,
    maxBytes: 128 * mebibyte,
    duplicateWindowMs: hourMs,
  },
  deliveries: {
    token: 'delivery',
    description: 'Alerts to deliver: one message per event and alert.',
    keeps: 'queue',
    whenFull: 'refuse',
    maxAgeMs: 7 * dayMs,
    maxBytes: 128 * mebibyte,
    duplicateWindowMs: hourMs,
  },
  deadletter: {
    token: 'deadletter',
    description: 'Alerts that could not be delivered, and messages that could not be read.',
    keeps: 'window',
    whenFull: 'dropOldest',
    maxAgeMs: 30 * dayMs,
    maxBytes: 64 * mebibyte,
    maxPerSubject: 10_000,
    duplicateWindowMs: hourMs,
  },
  delivered: {
    token: 'delivered',
    description: 'What was delivered lately, so that repetitions are not delivered again.',
    keeps: 'last',
    whenFull: 'dropOldest',
    maxAgeMs: dayMs,
    maxBytes: 32 * mebibyte,
    duplicateWindowMs: 2 * minuteMs,
  },
  alerting: {
    token: 'alerting',
    description: 'What alerts remember: failures that were told, groups that wait, thresholds.',
    keeps: 'last',
    whenFull: 'dropOldest',
    maxAgeMs: 30 * dayMs,
    maxBytes: 64 * mebibyte,
    duplicateWindowMs: 2 * minuteMs,
  },
  audit: {
    token: 'audit',
    description: 'What was done to which object, by whom and why.',
    keeps: 'window',
    whenFull: 'refuse',
    maxAgeMs: 400 * dayMs,
    maxBytes: 256 * mebibyte,
    maxPerSubject: 10_000,
    duplicateWindowMs: dayMs,
    undeletable: true,
  },
} as const satisfies Record<StreamId, StreamDefinition>;

/**
 * The controller that makes and changes the streams, and alone reads from them. Whoever may change a stream can have
 * the server copy any other one into it, so nobody who may not read everything may own one.
 */
const owner = 'notification-controller';

/** The streams that a controller makes and changes. */
export function streamsOwnedBy(controller: string): StreamId[] {
  return controller === owner ? (Object.keys(streams) as StreamId[]) : [];
}

/** Name of a stream on the server, such as `SLUICE_EVENTS` for the prefix `sluice`. */
export function streamName(prefix: string, stream: StreamId): string {
  return `${prefix}_${stream}`.toUpperCase().replaceAll(/[^A-Z0-9_-]/g, '_');
}

/** The subjects a stream takes in, such as `sluice.event.>`. */
export function streamSubjects(prefix: string, stream: StreamId): string {
  return `${prefix}.${streams[stream].token}.>`;
}

/** Longest name of a Kubernetes object. */
const maxTokenLength = 253;
const token = /^[A-Za-z0-9_-]+$/;

/**
 * Makes one subject token of an object's name. Names may hold dots, which separate tokens; they cannot hold
 * underscores, so the result is unique. A missing name becomes `_`.
 *
 * @throws UnpublishableError for what no object can be called: it could be a wildcard, or end the subject
 */
export function encodeToken(name: string | undefined): string {
  if (name === undefined || name === '') return '_';
  const encoded = name.slice(0, maxTokenLength + 1).replaceAll('.', '_');
  if (encoded.length > maxTokenLength || !token.test(encoded)) {
    throw new UnpublishableError(
      `${JSON.stringify(encoded.slice(0, 40))} is no name of an object: a subject takes letters, digits, '-' and '.', at most ${maxTokenLength}`,
    );
  }
  return encoded;
}

/** The name that a token was made of. */
export function decodeToken(token: string): string {
  return token === '_' ? '' : token.replaceAll('_', '.');
}

function subjectOf(prefix: string, stream: StreamId, ...parts: (string | undefined)[]): string {
  return [prefix, streams[stream].token, ...parts.map(encodeToken)].join('.');
}

function ofObject(reference: Pick<ObjectReference, 'kind' | 'namespace' | 'name'>) {
  return [reference.kind, reference.namespace, reference.name];
}

/** `<prefix>.artifact.<kind>.<namespace>.<name>` */
export function artifactSubject(prefix: string, notice: ArtifactNotice): string {
  return subjectOf(prefix, 'artifacts', ...ofObject(notice));
}

/** `<prefix>.event.<severity>.<kind>.<namespace>.<name>` */
export function eventSubject(prefix: string, event: FluxEvent): string {
  return subjectOf(prefix, 'events', event.severity, ...ofObject(event.involvedObject));
}

/** `<prefix>.delivery.<namespace>.<provider>` */
export function deliverySubject(prefix: string, namespace: string, provider: string): string {
  return subjectOf(prefix, 'deliveries', namespace, provider);
}

/** `<prefix>.deadletter.<namespace>.<provider>` */
export function deadLetterSubject(prefix: string, namespace: string, provider: string): string {
  return subjectOf(prefix, 'deadletter', namespace, provider);
}

/** `<prefix>.delivered.<namespace>.<alert>.<key>` */
export function deliveredSubject(
  prefix: string,
  alert: { namespace: string; name: string },
  key: string,
): string {
  return subjectOf(prefix, 'delivered', alert.namespace, alert.name, key);
}

/** The subjects of all that was delivered. */
export function deliveredSubjects(prefix: string): string {
  return `${prefix}.${streams.delivered.token}.*.*.*`;
}

/** `<prefix>.delivered._webhooks.<place>`: a webhook that was done. No namespace is called so. */
export function doneWebhookSubject(prefix: string, place: string): string {
  return subjectOf(prefix, 'delivered', '_webhooks', place);
}

/** `<prefix>.alerting.<namespace>.<alert>.<what>.<key>` */
export function alertingSubject(
  prefix: string,
  alert: { namespace: string; name: string },
  o: { what: string; key: string },
): string {
  return subjectOf(prefix, 'alerting', alert.namespace, alert.name, o.what, o.key);
}

/** The subjects of all notes of one kind. */
export function alertingSubjects(prefix: string, what: string): string {
  return `${prefix}.${streams.alerting.token}.*.*.${encodeToken(what)}.*`;
}

/** `<prefix>.audit.<namespace>.<kind>.<name>` */
export function auditSubject(
  prefix: string,
  { namespace, kind, name }: Pick<AuditRecord['object'], 'namespace' | 'kind' | 'name'>,
): string {
  return subjectOf(prefix, 'audit', namespace, kind, name);
}
