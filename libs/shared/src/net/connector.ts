import { buildConnector } from 'undici';
import type { NetworkGuard } from './guard.ts';
import { AddressRefusedError } from './refused-error.ts';

/** Makes the function by which a connection pool opens connections, with the guard between it and the network. */
export function guardedConnector(
  guard: NetworkGuard,
  options: buildConnector.BuildOptions = {},
): buildConnector.connector {
  const connect = buildConnector({ ...options, lookup: guard.lookupFor() });
  return (target, callback) => {
    try {
      // Sockets do not look addresses up.
      guard.check(target.hostname);
    } catch (error) {
      if (!(error instanceof AddressRefusedError)) throw error;
      queueMicrotask(() => callback(error, null));
      return;
    }
    connect(target, callback);
  };
}
