import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { errorMessage, type Logger } from '@sluice/shared/base';
import { BodyTooLargeError, readBody } from './body.ts';
import type { HttpMetrics } from './metrics.ts';

/** Milliseconds for which the rest of a body that is too long is read and thrown away. */
const lingerMs = 1_000;

export interface Answer {
  status: number;
  /** Plain text. */
  body?: string;
  headers?: Record<string, string>;
}

type Handle = (request: IncomingMessage, body: Buffer) => Promise<Answer>;

/** Looks at a request before its body is read; what it answers ends the request. */
export type Gate = (request: IncomingMessage) => Promise<Answer | undefined>;

/**
 * Makes a listener that reads the whole body, within its limit, and answers what `handle` returns: 413 for a body
 * that is too long, 500 when `handle` throws. With a gate, the body of what it turns away is not read.
 */
export function respondWith(
  handle: Handle,
  o: { metrics: HttpMetrics; logger: Logger; gate?: Gate },
): RequestListener {
  return (request, response) => {
    const end = o.metrics.begin(pathOf(request), request.method ?? '');
    void answer(request, handle, o).then(
      (result) => {
        write(response, result);
        end(result.status, result.body?.length ?? 0);
      },
      (error: unknown) => {
        // The client went away.
        o.logger.debug({ error: errorMessage(error) }, 'A request was cut off');
        response.destroy();
        end(499, 0);
      },
    );
  };
}

/** Path without query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] as string;
}

async function answer(
  request: IncomingMessage,
  handle: Handle,
  { gate, logger }: { gate?: Gate; logger: Logger },
): Promise<Answer> {
  const handled = async <T>(result: () => Promise<T>): Promise<T | Answer> => {
    try {
      return await result();
    } catch (error) {
      logger.error({ error: errorMessage(error) }, 'A request could not be handled');
      return { status: 500 };
    }
  };
  const turnedAway = gate && (await handled(() => gate(request)));
  if (turnedAway) return turnedAway;
  let body: Buffer;
  try {
    body = await readBody(request);
  } catch (error) {
    if (error instanceof BodyTooLargeError) return { status: 413 };
    throw error;
  }
  return handled(() => handle(request, body));
}

function write(response: ServerResponse, { status, body = '', headers }: Answer): void {
  if (!response.req.complete) discardRest(response.req);
  const type = body === '' ? {} : { 'content-type': 'text/plain; charset=utf-8' };
  response.writeHead(status, { ...type, ...headers });
  response.end(body);
}

/** Closing a connection with unread data resets it, and the client would never see the answer. */
function discardRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), lingerMs);
  request.once('close', () => clearTimeout(timer));
  request.resume();
}
