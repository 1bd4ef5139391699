import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher } from 'undici';

/** Says that another replica has sent the request on, which is not sent on again. */
export const forwardedHeader = 'sluice-forwarded';

/** What a client may say of the file that it wants, and who it is. */
const requestHeaders = ['authorization', 'if-modified-since', 'if-none-match', 'if-range', 'range'];
const responseHeaders = [
  'accept-ranges',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'www-authenticate',
];

/** Milliseconds for the head of an answer, and between pieces of its body. */
const timeoutMs = 15_000;

/** Answers of the replica itself that say no more than that it cannot answer now. */
const isElsewhere = (status: number) => status >= 500;

/** Where a request is sent on to. */
export interface ForwardTarget {
  /** `host:port` at which the replica that leads serves artifacts. */
  address: string;
  /** Path of the file, which is checked. */
  path: string;
}

/**
 * Sends a request on to the replica that leads, and its answer back.
 *
 * @returns false when it does not answer, or cannot now, and nothing was sent back
 * @throws Error when its answer breaks off
 */
export async function forwardTo(
  target: ForwardTarget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const answer = await ask(target, request);
  if (answer === undefined) return false;
  if (isElsewhere(answer.statusCode)) {
    await answer.body.dump();
    return false;
  }
  response.writeHead(answer.statusCode, pick(answer.headers, responseHeaders));
  await pipeline(answer.body, response);
  return true;
}

async function ask(
  { address, path }: ForwardTarget,
  request: IncomingMessage,
): Promise<Dispatcher.ResponseData | undefined> {
  const undici = await import('undici');
  try {
    return await undici.request(`http://${address}${path}`, {
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      headers: { ...pick(request.headers, requestHeaders), [forwardedHeader]: '1' },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  } catch {
    // It is gone, or about to be: the next one that leads answers.
    return undefined;
  }
}

function pick<T>(headers: Record<string, T | undefined>, names: string[]): Record<string, T> {
  const picked: Record<string, T> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
