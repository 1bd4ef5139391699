import {
  type FluxEvent,
  isApiVersion,
  isKindName,
  isNamespaceName,
  isObjectName,
  type ObjectReference,
} from '@sluice/shared/api';
import { checkText, InvalidEventError, record, text } from './event-fields.ts';
import { checkMetadata } from './event-metadata.ts';

const severities = ['trace', 'info', 'error'];

/** Longest texts, in characters. Flux's senders cut a message at 39,000. */
const limits = { message: 64 * 1024, short: 1024, timestamp: 64 };

/**
 * Reads an event in Flux's JSON.
 *
 * @throws InvalidEventError that names the field and what it should be
 */
export function parseEvent(body: string): FluxEvent {
  return checkEvent(parseJson(body));
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new InvalidEventError('the body is not valid JSON', { cause });
  }
}

/**
 * Checks that a value is an event: its object can exist, and every field has its form and a limited size. Fields that
 * no event has are left out.
 *
 * @throws InvalidEventError that names the field and what it should be
 */
export function checkEvent(value: unknown): FluxEvent {
  const event = record(value, 'the event');
  const severity = event['severity'];
  if (typeof severity !== 'string' || !severities.includes(severity)) {
    throw new InvalidEventError(`severity must be one of ${severities.join(', ')}`);
  }
  const timestamp = text(event['timestamp'], 'timestamp', limits.timestamp);
  if (timestamp === undefined || Number.isNaN(Date.parse(timestamp))) {
    throw new InvalidEventError('timestamp must be an RFC 3339 time');
  }
  const short = (field: string) => text(event[field], field, limits.short);
  return {
    involvedObject: checkObject(record(event['involvedObject'], 'involvedObject')),
    severity: severity as FluxEvent['severity'],
    timestamp,
    message: text(event['message'], 'message', limits.message) ?? '',
    reason: short('reason') ?? '',
    ...optional('metadata', checkMetadata(event['metadata'])),
    reportingController: short('reportingController') ?? '',
    ...optional('reportingInstance', short('reportingInstance')),
  };
}

function checkObject(object: Record<string, unknown>): ObjectReference {
  const field = (key: string) => `involvedObject.${key}`;
  const short = (key: string) => optional(key, text(object[key], field(key), limits.short));
  const { namespace, apiVersion } = object;
  return {
    kind: checkText(object['kind'], {
      field: field('kind'),
      is: isKindName,
      form: 'a kind, such as Kustomization',
    }),
    name: checkText(object['name'], {
      field: field('name'),
      is: isObjectName,
      form: "a DNS subdomain: small letters, digits, '-' and '.', at most 253 characters",
    }),
    ...(isGiven(namespace) && {
      namespace: checkText(namespace, {
        field: field('namespace'),
        is: isNamespaceName,
        form: "a DNS label: small letters, digits and '-', at most 63 characters",
      }),
    }),
    ...(isGiven(apiVersion) && {
      apiVersion: checkText(apiVersion, {
        field: field('apiVersion'),
        is: isApiVersion,
        form: 'a group and a version, such as kustomize.toolkit.fluxcd.io/v1',
      }),
    }),
    ...short('uid'),
    ...short('resourceVersion'),
  };
}

/** Go leaves out what is empty, or sends it so. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function optional<T>(key: string, value: T | undefined): Record<string, T> {
  return value === undefined ? {} : { [key]: value };
}
