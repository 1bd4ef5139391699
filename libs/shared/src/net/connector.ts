import { buildConnector } from 'undici';
import type { NetworkGuard } from './guard.ts';
import { AddressRefusedError, type HostRole } from './refused-error.ts';

/**
 * Makes the function by which a connection pool opens connections, with the guard between it and the network.
 *
 * @param role what the hosts are that it connects to
 */
export function guardedConnector(
  guard: NetworkGuard,
  options: buildConnector.BuildOptions = {},
  role: HostRole = 'host',
): buildConnector.connector {
  const connect = buildConnector({ ...options, lookup: guard.lookupFor(role) });
  return (target, callback) => {
    try {
      // Sockets do not look addresses up.
      guard.check(target.hostname, role);
    } catch (error) {
      if (!(error instanceof AddressRefusedError)) throw error;
      queueMicrotask(() => callback(error, null));
      return;
    }
    connect(target, callback);
  };
}
