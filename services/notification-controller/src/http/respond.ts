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
}

/**
 * Makes a listener that reads the whole body, within its limit, and answers what `handle` returns: 413 for a body
 * that is too long, 500 when `handle` throws.
 */
export function respondWith(
  handle: (request: IncomingMessage, body: Buffer) => Promise<Answer>,
  o: { metrics: HttpMetrics; logger: Logger },
): RequestListener {
  return (request, response) => {
    const end = o.metrics.begin(pathOf(request), request.method ?? '');
    void answer(request, handle, o.logger).then(
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
  handle: (request: IncomingMessage, body: Buffer) => Promise<Answer>,
  logger: Logger,
): Promise<Answer> {
  let body: Buffer;
  try {
    body = await readBody(request);
  } catch (error) {
    if (error instanceof BodyTooLargeError) return { status: 413 };
    throw error;
  }
  try {
    return await handle(request, body);
  } catch (error) {
    logger.error({ error: errorMessage(error) }, 'A request could not be handled');
    return { status: 500 };
  }
}

function write(response: ServerResponse, { status, body = '' }: Answer): void {
  if (status === 413) discardRest(response.req);
  response.writeHead(status, body === '' ? {} : { 'content-type': 'text/plain; charset=utf-8' });
  response.end(body);
}

/** Closing a connection with unread data resets it, and the client would never see the answer. */
function discardRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), lingerMs);
  request.once('close', () => clearTimeout(timer));
  request.resume();
}
