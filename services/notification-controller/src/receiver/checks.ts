import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Webhook, WebhookRefusedError } from './webhook.ts';

/** The value of a header, or an empty text. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string {
  return String(headers[name.toLowerCase()] ?? '');
}

/**
 * The token of the header Authorization.
 *
 * @throws WebhookRefusedError when there is none
 */
export function bearerTokenOf(headers: IncomingHttpHeaders): string {
  const [, token] = /^Bearer\s+(\S+)\s*$/.exec(headerOf(headers, 'Authorization')) ?? [];
  if (token !== undefined) return token;
  throw new WebhookRefusedError(
    'the header Authorization holds no bearer token: let the sender authenticate itself',
  );
}

/** Compares two texts in a time that tells nothing about where they differ, nor how long the secret one is. */
export function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * Checks that a header equals the token.
 *
 * @throws WebhookRefusedError
 */
export function checkTokenHeader({ headers }: Webhook, name: string, token: string): void {
  if (isSame(headerOf(headers, name), token)) return;
  throw new WebhookRefusedError(
    `the header ${name} does not equal the token: set the same one at the sender as in spec.secretRef`,
  );
}

/**
 * Checks a signature written as `<algorithm>=<hexadecimal>`, by SHA-1, SHA-256 or SHA-512 keyed with the token.
 *
 * @param header where the signature stands, for the message
 * @throws WebhookRefusedError
 */
export function checkSignature(
  signature: string,
  { body, token, header }: { body: Buffer; token: string; header: string },
): void {
  const match = /^(sha1|sha256|sha512)=([0-9a-f]+)$/i.exec(signature);
  if (match === null) {
    throw new WebhookRefusedError(
      `the header ${header} is missing or malformed: set the same secret at the sender as in spec.secretRef`,
    );
  }
  const [, algorithm = '', hex = ''] = match;
  const expected = createHmac(algorithm.toLowerCase(), token).update(body).digest('hex');
  if (isSame(hex.toLowerCase(), expected)) return;
  throw new WebhookRefusedError(
    'the signature does not fit: set the same secret at the sender as in spec.secretRef',
  );
}

/** Whether an event is among those of `spec.events`; case does not matter. */
export function isWanted(event: string, events: readonly string[]): boolean {
  const name = event.toLowerCase();
  return events.length === 0 || events.some((wanted) => wanted.toLowerCase() === name);
}

/** @throws WebhookRefusedError when an event is not among those of `spec.events` */
export function checkEvent(event: string, events: readonly string[]): void {
  if (isWanted(event, events)) return;
  throw new WebhookRefusedError(`the event '${event.slice(0, 50)}' is not in spec.events`);
}

/**
 * Reads a body that has to be a JSON object.
 *
 * @throws WebhookRefusedError
 */
export function jsonObject(text: Buffer | string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text.toString());
  } catch {
    // The parser's message quotes the text.
    throw new WebhookRefusedError('the body is no JSON');
  }
  return objectIn(value, 'the body');
}

/** @throws WebhookRefusedError when a value is no JSON object */
export function objectIn(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new WebhookRefusedError(`${what} is no JSON object`);
}

/** @throws WebhookRefusedError when a field is given and is no text */
export function checkTexts(object: Record<string, unknown>, fields: readonly string[]): void {
  const wrong = fields.find((field) => !['string', 'undefined'].includes(typeof object[field]));
  if (wrong !== undefined) throw new WebhookRefusedError(`the field ${wrong} is no text`);
}
