import { createDispatcher, type Dispatcher, NetworkGuard } from '@sluice/shared/net';
import type { WebhookReceiver, WebhookReply } from './webhooks.ts';

/** Header in which a server that stands in for others sees for which one. */
export const standInHeader = 'x-stand-in-for';

/**
 * Makes connection pools for which one server stands in for every other: requests are those that the other would get,
 * with its origin in {@link standInHeader} besides.
 */
export function standInDispatcher(url: string): Dispatcher {
  const guard = new NetworkGuard({ allow: ['loopback'] });
  const origin = new URL(url).origin;
  return createDispatcher({ guard, connectTimeoutMs: 15_000 }).compose(
    (dispatch) => (options, handler) =>
      dispatch(
        {
          ...options,
          origin,
          headers: {
            ...(options.headers as Record<string, string>),
            [standInHeader]: String(options.origin),
          },
        },
        handler,
      ),
  );
}

/** A request as the server got that stands in for another one. */
export interface Asked {
  method: string;
  /** With the origin that was meant. */
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Headers that say nothing of a request. */
const plain = ['host', 'connection', 'content-length', 'user-agent', standInHeader];

/** How a server that stands in for all others answers, and what it was asked. */
export function standInFor(server: WebhookReceiver) {
  return {
    /** Answers by method and address without query; whatever else is asked for is not there. */
    answer(replies: Record<string, object | string | WebhookReply>) {
      server.requests.length = 0;
      server.respond(({ method, path, headers }) => {
        const [bare] = path.split('?');
        const reply = replies[`${method} ${headers[standInHeader]}${bare}`];
        if (reply === undefined) return { status: 404, body: '{"error":"unexpected"}' };
        if (typeof reply === 'object' && 'status' in reply) return reply as WebhookReply;
        const body = typeof reply === 'string' ? reply : JSON.stringify(reply);
        return { status: 200, body };
      });
    },
    /** What was asked since the answers were set. */
    asked: (): Asked[] =>
      server.requests.map(({ method, path, headers, body }) => ({
        method,
        url: `${headers[standInHeader]}${path}`,
        headers: Object.fromEntries(
          Object.entries(headers)
            .filter(([name]) => !plain.includes(name))
            .map(([name, value]) => [name, String(value)]),
        ),
        body,
      })),
  };
}
