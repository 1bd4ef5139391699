import type { Readable } from 'node:stream';
import { errorMessage, SecretMasker } from '@sluice/shared/base';
import { refusalIn } from '@sluice/shared/net';
import { type Dispatcher, request } from 'undici';
import type { Endpoint, ProviderAnswer, ProviderRequest, Send } from './adapter.ts';
import { DeliveryError, UnusableProviderError } from './delivery-error.ts';
import type { ProviderPool } from './pool.ts';
import { retryAfterMs } from './retry-after.ts';

const userAgent = 'sluice-notification-controller';
/** Bytes read of an answer; more is not looked at. */
const maxAnswerBytes = 64 * 1024;
const maxExcerptLength = 512;
/** Characters of a part of an address's path that may be a token. */
const minPathSecret = 16;
/** Statuses by which a service refuses the content itself. */
const permanentStatuses = [400, 413, 422];

/** Makes the function by which an adapter sends to an endpoint, for one delivery; `traceHeaders` go along. */
export function createSend(
  endpoint: Endpoint,
  o: { pool: ProviderPool; signal: AbortSignal; traceHeaders: Record<string, string> },
): Send {
  const deadline = performance.now() + endpoint.timeoutMs;
  const credentials: string[] = [];
  // Only failures need it.
  const mask = (text: string) => {
    const masker = secretsOf(endpoint);
    for (const secret of credentials) masker.add(secret);
    return masker.mask(text);
  };
  return async (message) => {
    credentials.push(credentialsOf(message));
    const dispatcher = o.pool.dispatcherFor(endpoint);
    const limit = timeLimit(o.signal, deadline - performance.now());
    try {
      return await exchange(message, { ...o, dispatcher, signal: limit.signal, mask });
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      const refusal = refusalIn(error);
      if (refusal !== undefined) {
        const field = refusal.role === 'proxy' ? 'the proxy address' : 'spec.address';
        throw new UnusableProviderError(`${field} cannot be used: ${refusal.message}`, {
          permanent: true,
          cause: error,
        });
      }
      const what = limit.isOver()
        ? `no answer within ${endpoint.timeoutMs} ms; spec.timeout sets the limit`
        : mask(errorMessage(error));
      throw new DeliveryError(`${new URL(message.url).host} cannot be reached: ${what}`);
    } finally {
      limit.end();
    }
  };
}

/** A signal that aborts with another one or after a time, and leaves nothing behind: there are many in a process. */
function timeLimit(outer: AbortSignal, ms: number) {
  const controller = new AbortController();
  let isOver = false;
  const abort = () => controller.abort(outer.reason);
  const timer = setTimeout(
    () => {
      isOver = true;
      controller.abort(new Error('the time is over'));
    },
    Math.max(0, ms),
  );
  outer.addEventListener('abort', abort, { once: true });
  if (outer.aborted) abort();
  return {
    signal: controller.signal,
    isOver: () => isOver,
    end() {
      clearTimeout(timer);
      outer.removeEventListener('abort', abort);
    },
  };
}

async function exchange(
  message: ProviderRequest,
  o: {
    dispatcher: Dispatcher;
    signal: AbortSignal;
    traceHeaders: Record<string, string>;
    mask: (text: string) => string;
  },
): Promise<ProviderAnswer> {
  // Redirects are not followed: they would carry the credentials to another host.
  const response = await request(message.url, {
    method: message.method ?? 'POST',
    body: message.body,
    headers: {
      ...(message.body !== undefined && { 'content-type': 'application/json' }),
      'user-agent': userAgent,
      ...o.traceHeaders,
      ...message.headers,
    },
    dispatcher: o.dispatcher,
    signal: o.signal,
  });
  const body = await readAnswer(response.body, message.maxAnswerBytes ?? maxAnswerBytes);
  const { statusCode: status, headers } = response;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess) message.checkAnswer?.(body);
  if (isSuccess || message.accept?.includes(status)) return { status, body };
  const host = new URL(message.url).host;
  const excerpt = o.mask(body.trim()).slice(0, maxExcerptLength);
  throw new DeliveryError(
    `${host} answered with status ${status}${excerpt === '' ? '' : `: ${excerpt}`}`,
    {
      permanent: permanentStatuses.includes(status),
      retryAfterMs: retryAfterMs({ status, headers, body }),
    },
  );
}

/** Reads up to so many bytes of an answer; what goes beyond is not waited for. */
function readAnswer(body: Readable, max: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = () => resolve(Buffer.concat(chunks).subarray(0, max).toString('utf8'));
    body.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes < max) return;
      end();
      body.destroy();
    });
    body.once('end', end);
    // Also for what comes of it after the end.
    body.on('error', reject);
  });
}

/** What the header says without the word for its kind, which occurs in ordinary text. */
function credentialsOf({ headers }: ProviderRequest): string {
  return (headers?.['authorization'] ?? '').replace(/^\S+ /, '');
}

/** Everything of an endpoint that must not show up in a message. */
function secretsOf({ address, token, password, headers, proxy, secret }: Endpoint): SecretMasker {
  const masker = new SecretMasker();
  const { username: _, ...hidden } = secret;
  const url = URL.parse(address);
  const secrets = [
    address,
    url?.pathname ?? '',
    url?.search ?? '',
    ...(url?.searchParams.values() ?? []),
    ...(url?.pathname.split('/') ?? []).filter((part) => part.length >= minPathSecret),
    url?.username ?? '',
    url?.password ?? '',
    token,
    password,
    ...Object.values(headers),
    ...Object.values(hidden),
    proxy ?? '',
  ];
  for (const value of secrets) masker.add(value);
  return masker;
}
