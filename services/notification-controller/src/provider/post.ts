import { errorMessage, SecretMasker } from '@sluice/shared/base';
import {
  createDispatcher,
  type NamedProxy,
  type NetworkGuard,
  refusalIn,
} from '@sluice/shared/net';
import { type Dispatcher, request } from 'undici';
import type { Endpoint, Post, PostRequest } from './adapter.ts';
import { DeliveryError } from './delivery-error.ts';

const userAgent = 'sluice-notification-controller';
/** Bytes read of an answer; more is not looked at. */
const maxAnswerBytes = 64 * 1024;
const maxExcerptLength = 512;
/** Statuses by which a service refuses the content itself. */
const permanentStatuses = [400, 413, 422];
const maxRetryAfterMs = 60 * 60_000;

/** Makes the function by which an adapter posts to an endpoint; `traceHeaders` go along. */
export function createPost(
  endpoint: Endpoint,
  o: { guard: NetworkGuard; signal: AbortSignal; traceHeaders: Record<string, string> },
): Post {
  const masker = secretsOf(endpoint);
  return async (message) => {
    const dispatcher = dispatcherFor(endpoint, o.guard);
    const timeout = AbortSignal.timeout(endpoint.timeoutMs);
    try {
      await exchange(message, {
        dispatcher,
        signal: AbortSignal.any([o.signal, timeout]),
        traceHeaders: o.traceHeaders,
        masker,
      });
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      const refusal = refusalIn(error);
      if (refusal !== undefined) {
        const field = refusal.role === 'proxy' ? 'the proxy address' : 'spec.address';
        throw new DeliveryError(`${field} cannot be used: ${refusal.message}`, {
          permanent: true,
          cause: error,
        });
      }
      const what = timeout.aborted
        ? `no answer within ${endpoint.timeoutMs} ms; spec.timeout sets the limit`
        : masker.mask(errorMessage(error));
      throw new DeliveryError(`${new URL(message.url).host} cannot be reached: ${what}`);
    } finally {
      await dispatcher.destroy();
    }
  };
}

async function exchange(
  message: PostRequest,
  o: {
    dispatcher: Dispatcher;
    signal: AbortSignal;
    traceHeaders: Record<string, string>;
    masker: SecretMasker;
  },
): Promise<void> {
  // Redirects are not followed: they would carry the credentials to another host.
  const response = await request(message.url, {
    method: 'POST',
    body: message.body,
    headers: {
      'content-type': 'application/json',
      'user-agent': userAgent,
      ...o.traceHeaders,
      ...message.headers,
    },
    dispatcher: o.dispatcher,
    signal: o.signal,
  });
  const answer = await readAnswer(response.body);
  const { statusCode } = response;
  if (statusCode >= 200 && statusCode < 300) return message.checkAnswer?.(answer);
  const host = new URL(message.url).host;
  const excerpt = o.masker.mask(answer.trim()).slice(0, maxExcerptLength);
  throw new DeliveryError(
    `${host} answered with status ${statusCode}${excerpt === '' ? '' : `: ${excerpt}`}`,
    {
      permanent: permanentStatuses.includes(statusCode),
      retryAfterMs: retryAfterMs(response.headers['retry-after']),
    },
  );
}

async function readAnswer(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= maxAnswerBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxAnswerBytes).toString('utf8');
}

/** Reads `Retry-After`, in seconds or as a date. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (!text) return undefined;
  const ms = /^[0-9]+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? Math.min(ms, maxRetryAfterMs) : undefined;
}

function dispatcherFor(endpoint: Endpoint, guard: NetworkGuard): Dispatcher {
  const { timeoutMs, tls } = endpoint;
  return createDispatcher({
    guard,
    connectTimeoutMs: timeoutMs,
    answerTimeoutMs: timeoutMs,
    ...(tls !== undefined && { tls }),
    ...(endpoint.proxy !== undefined && { proxy: proxyOf(endpoint.proxy) }),
  });
}

function proxyOf(address: string): NamedProxy {
  const { origin, username, password } = new URL(address);
  return {
    address: origin,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

/** Everything of an endpoint that must not show up in a message. */
function secretsOf(endpoint: Endpoint): SecretMasker {
  const masker = new SecretMasker();
  const { pathname, search } = new URL(endpoint.address);
  const secrets = [
    endpoint.address,
    pathname,
    search,
    endpoint.token,
    endpoint.password,
    ...Object.values(endpoint.headers),
    endpoint.proxy ?? '',
  ];
  for (const secret of secrets) masker.add(secret);
  return masker;
}
