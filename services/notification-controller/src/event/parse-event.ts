import type { FluxEvent } from '@sluice/shared/api';

/** A posted event is not one. The message names the field. */
export class InvalidEventError extends Error {
  override name = 'InvalidEventError';
}

const severities = ['trace', 'info', 'error'];

/**
 * Reads an event in Flux's JSON.
 *
 * @throws InvalidEventError that names the field and what it should be
 */
export function parseEvent(text: string): FluxEvent {
  return checkEvent(parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidEventError('the body is not valid JSON', { cause });
  }
}

/**
 * Checks that a value is an event.
 *
 * @throws InvalidEventError that names the field and what it should be
 */
export function checkEvent(value: unknown): FluxEvent {
  const event = record(value, 'the event');
  const object = record(event['involvedObject'], 'involvedObject');
  for (const key of ['kind', 'name']) text(object[key], `involvedObject.${key}`);
  for (const key of ['namespace', 'apiVersion', 'uid', 'resourceVersion']) {
    optionalText(object[key], `involvedObject.${key}`);
  }
  for (const key of ['message', 'reason', 'reportingController']) optionalText(event[key], key);
  optionalText(event['reportingInstance'], 'reportingInstance');
  if (!severities.includes(String(event['severity']))) {
    throw new InvalidEventError(`severity must be one of ${severities.join(', ')}`);
  }
  const timestamp = text(event['timestamp'], 'timestamp');
  if (Number.isNaN(Date.parse(timestamp))) {
    throw new InvalidEventError('timestamp must be an RFC 3339 time');
  }
  if (event['metadata'] !== undefined && event['metadata'] !== null) {
    for (const [key, item] of Object.entries(record(event['metadata'], 'metadata'))) {
      if (typeof item !== 'string') throw new InvalidEventError(`metadata.${key} must be a string`);
    }
  }
  return {
    ...(event as unknown as FluxEvent),
    message: String(event['message'] ?? ''),
    reason: String(event['reason'] ?? ''),
    reportingController: String(event['reportingController'] ?? ''),
    metadata: (event['metadata'] ?? undefined) as Record<string, string> | undefined,
  };
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidEventError(`${field} must be an object`);
  }
  return value as Record<string, unknown>;
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidEventError(`${field} must be a string that is not empty`);
  }
  return value;
}

function optionalText(value: unknown, field: string): void {
  if (value !== undefined && value !== null && typeof value !== 'string') {
    throw new InvalidEventError(`${field} must be a string`);
  }
}
