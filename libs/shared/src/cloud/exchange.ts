import { type Clock, errorMessage, printable, SecretMasker } from '../base/index.ts';
import { type Dispatcher, refusalIn } from '../net/index.ts';
import { CloudLoginError } from './cloud-error.ts';
import { childOf, parseXml, textOf } from './xml.ts';

/** How a service that gives logins is reached. */
export interface CloudDoor {
  /** With the guard before it, unless the address is the administrator's. */
  dispatcher: Dispatcher;
  signal: AbortSignal;
  clock: Clock;
}

/** A request for a login. */
export interface CloudRequest {
  method: 'GET' | 'POST' | 'PUT';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** What of it must not show up in a message. */
  secrets?: readonly string[];
  /** What it is for, in messages; a login unless told. */
  what?: string;
}

const maxAnswerBytes = 1024 * 1024;
const maxReasonLength = 300;
const timeoutMs = 15_000;

/** Content type of {@link formOf}. */
export const formType = 'application/x-www-form-urlencoded';

/** Writes a form, fields in the given order. */
export function formOf(fields: Record<string, string | undefined>): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) form.set(name, value);
  }
  return form.toString();
}

/**
 * Sends a request and returns the text of a successful answer. Redirects are not followed: they would carry the
 * credentials to another host.
 *
 * @throws CloudLoginError with the reason that the service gave; the signal's reason
 */
export async function ask(request: CloudRequest, door: CloudDoor): Promise<string> {
  const url = new URL(request.url);
  const { what = 'a login' } = request;
  const signal = AbortSignal.any([door.signal, AbortSignal.timeout(timeoutMs)]);
  let answer: { statusCode: number; headers: Record<string, unknown>; text: string };
  try {
    const { statusCode, headers, body } = await door.dispatcher.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: request.method,
      headers: { 'user-agent': 'sluice', ...request.headers },
      body: request.body ?? null,
      signal,
    });
    body.on('error', () => undefined);
    answer = { statusCode, headers, text: await read(body) };
  } catch (cause) {
    door.signal.throwIfAborted();
    const why = signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
    throw new CloudLoginError(`${url.host} cannot be asked for ${what}: ${why}`, { cause });
  }
  const { statusCode, headers, text } = answer;
  if (statusCode >= 200 && statusCode < 300) return text;
  const masker = new SecretMasker();
  for (const secret of request.secrets ?? []) masker.add(secret);
  const said = masker.mask(printable(saidIn(text))).slice(0, maxReasonLength);
  const seconds = Number(headers['retry-after']);
  throw new CloudLoginError(
    `${url.host} refused ${what} with status ${statusCode}${said === '' ? '' : `: ${said}`}`,
    Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {},
  );
}

/**
 * As {@link ask}, for answers that are JSON objects.
 *
 * @throws CloudLoginError also when it is none
 */
export async function askJson(
  request: CloudRequest,
  door: CloudDoor,
): Promise<Record<string, unknown>> {
  const text = await ask(request, door);
  const value = parsed(text);
  if (value !== undefined) return value;
  throw new CloudLoginError(`${new URL(request.url).host} answered with something that is no JSON`);
}

/**
 * A text of an answer.
 *
 * @throws CloudLoginError when it has none
 */
export function stringIn(answer: Record<string, unknown>, key: string, from: string): string {
  const value = answer[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new CloudLoginError(`${from} answered without '${key}'`);
}

/** The time of a number of seconds from now, which services give as number or text; an hour unless told. */
export function secondsFromNow(seconds: unknown, clock: Clock): number {
  const value = Number(seconds);
  return clock.now() + (Number.isFinite(value) && value > 0 ? value : 3600) * 1000;
}

async function read(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxAnswerBytes) throw new Error(`its answer is over ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown): string {
  const refusal = refusalIn(error);
  return refusal?.message ?? errorMessage(error);
}

/** What a service says of a refusal: nothing else of its answer is repeated. */
function saidIn(text: string): string {
  const json = parsed(text);
  if (json !== undefined) {
    const { error, error_description: description, message, Message, errors } = json;
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    const parts = [error, description, message, Message, first, fieldOf(error), fieldOf(first)];
    return parts.filter((part) => typeof part === 'string' && part !== '').join(': ');
  }
  try {
    const root = parseXml(text);
    const error = root.name === 'Error' ? root : childOf(root, 'Error');
    return [textOf(error, 'Code'), textOf(error, 'Message')].filter(Boolean).join(': ');
  } catch {
    return '';
  }
}

function fieldOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'message' in value
    ? value.message
    : undefined;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
