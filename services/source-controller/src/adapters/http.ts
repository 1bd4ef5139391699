import { redactUrl } from '@sluice/shared/base';
import { type Dispatcher, request } from 'undici';

/** An HTTP exchange that gave no usable answer. The message holds no credentials. */
export class HttpError extends Error {
  override name = 'HttpError';
  /** Status of the answer; undefined when there was none. */
  readonly status?: number;
  /** Milliseconds the server asked to wait. */
  readonly retryAfterMs?: number;

  constructor(
    message: string,
    o: { status?: number; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: o.cause });
    this.status = o.status;
    this.retryAfterMs = o.retryAfterMs;
  }
}

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST';
  url: URL;
  headers?: Record<string, string>;
  /** Value of the Authorization header; goes to this origin only, never along with a redirect to another. */
  authorization?: string;
  body?: Uint8Array;
  /** False: a redirect is an answer like any other. */
  follow?: boolean;
  dispatcher: Dispatcher;
  signal: AbortSignal;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body: Dispatcher.ResponseData['body'];
  /** Where the answer came from, after redirects. */
  url: URL;
}

const maxRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);
const userAgent = 'source-controller';

/**
 * Sends a request and follows redirects of GET and HEAD. Credentials stay with the origin they are for, and no
 * redirect leads from HTTPS to plain HTTP.
 *
 * @throws HttpError when there is no answer or too many redirects; any status is an answer
 */
export async function send(o: HttpRequest): Promise<HttpResponse> {
  let url = o.url;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const authorized = o.authorization !== undefined && url.origin === o.url.origin;
    const response = await exchange(o, url, authorized ? o.authorization : undefined);
    const location = response.headers['location'];
    const mayFollow = o.method !== 'POST' && o.follow !== false;
    if (!mayFollow || !redirects.has(response.status) || location === undefined) return response;
    await response.body.dump();
    url = redirectTarget(url, location);
  }
  throw new HttpError(`${redactUrl(o.url.href)}: more than ${maxRedirects} redirects`);
}

function redirectTarget(from: URL, location: string): URL {
  const target = URL.parse(location, from.href);
  if (target === null || !['http:', 'https:'].includes(target.protocol)) {
    throw new HttpError(`${redactUrl(from.href)}: redirected to an address that cannot be used`);
  }
  if (from.protocol === 'https:' && target.protocol === 'http:') {
    throw new HttpError(`${redactUrl(from.href)}: refused to be redirected from HTTPS to HTTP`);
  }
  return target;
}

async function exchange(
  o: HttpRequest,
  url: URL,
  authorization: string | undefined,
): Promise<HttpResponse> {
  try {
    const { statusCode, headers, body } = await request(url, {
      method: o.method,
      headers: {
        'user-agent': userAgent,
        ...o.headers,
        ...(authorization !== undefined && { authorization }),
      },
      body: o.body ?? null,
      dispatcher: o.dispatcher,
      signal: o.signal,
      // The caller's signal is the one limit.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const flat: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    // An answer that nobody reads to its end must not become an unhandled error.
    body.on('error', () => undefined);
    return { status: statusCode, headers: flat, body, url };
  } catch (error) {
    if (o.signal.aborted) throw o.signal.reason;
    throw new HttpError(`${redactUrl(url.href)}: ${causeOf(error)}`, { cause: error });
  }
}

/** A body above this many bytes is large: whoever reads it may have to wait for memory. */
export const largeBodyBytes = 1024 * 1024;

/**
 * Reads a body of limited size.
 *
 * @param onLarge called once, when the body turns out to be large
 * @throws HttpError when it is larger than allowed
 */
export async function readBody(
  response: HttpResponse,
  maxBytes: number,
  onLarge?: () => Promise<void>,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += (chunk as Buffer).length;
    if (size > maxBytes) {
      throw new HttpError(`${redactUrl(response.url.href)}: answer is over ${maxBytes} bytes`);
    }
    const before = size - (chunk as Buffer).length;
    if (before <= largeBodyBytes && size > largeBodyBytes) await onLarge?.();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** Milliseconds of a Retry-After header, given in seconds or as a date. */
export function retryAfterMs(headers: Record<string, string>, nowMs: number): number | undefined {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) {
    return error.errors[0].message;
  }
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}
