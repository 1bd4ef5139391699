import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { currentTrace, type TraceCarrier } from './trace.ts';

/** Version of the JSON documents on the bus. A consumer refuses messages of a later one. */
export const schemaVersion = 1;

const schemaHeader = 'Sluice-Schema';
const contentTypeHeader = 'Content-Type';
const contentType = 'application/json';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A message that no later attempt can read. */
export class UnreadableMessageError extends Error {
  override name = 'UnreadableMessageError';
}

/** Makes a message's body and headers; the running operation's trace goes along. */
export function encodeMessage(
  data: unknown,
  extra: Record<string, string> = {},
): { body: Uint8Array; headers: MsgHdrs } {
  const result = headers();
  result.set(contentTypeHeader, contentType);
  result.set(schemaHeader, String(schemaVersion));
  for (const [name, value] of Object.entries({ ...currentTrace(), ...extra })) {
    result.set(name, value);
  }
  return { body: encoder.encode(JSON.stringify(data)), headers: result };
}

/**
 * Reads a message's body.
 *
 * @throws UnreadableMessageError when it is no JSON or of a later schema version
 */
export function decodeMessage(message: { data: Uint8Array; headers?: MsgHdrs }): unknown {
  const version = message.headers?.get(schemaHeader) ?? '';
  if (version !== '' && !(Number(version) <= schemaVersion)) {
    throw new UnreadableMessageError(
      `the message has schema version ${version.slice(0, 20)}, this controller reads up to ${schemaVersion}: upgrade it`,
    );
  }
  try {
    return JSON.parse(decoder.decode(message.data));
  } catch (cause) {
    throw new UnreadableMessageError('the message is not valid JSON', { cause });
  }
}

/** A message's headers as plain data; names are in lower case. */
export function plainHeaders(message: { headers?: MsgHdrs }): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, values] of message.headers ?? []) result[name.toLowerCase()] = values[0] ?? '';
  return result;
}

/** The trace context in a message's headers. */
export function traceOf(plain: Record<string, string>): TraceCarrier {
  const carrier: TraceCarrier = {};
  for (const name of ['traceparent', 'tracestate', 'baggage']) {
    if (plain[name]) carrier[name] = plain[name];
  }
  return carrier;
}
