import { createDispatcher, type Dispatcher, NetworkGuard } from '@sluice/shared/net';

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
