import type { Socket } from 'node:net';
import { guardedConnector } from './connector.ts';
import type { NetworkGuard } from './guard.ts';
import type { HostRole } from './refused-error.ts';

export interface OpenSocketOptions {
  guard: NetworkGuard;
  /** What the host is; that of an object's address when undefined. */
  role?: HostRole;
  timeoutMs: number;
  /** Ends the attempt, not the connection. */
  signal?: AbortSignal | undefined;
}

/**
 * Opens a TCP connection through the guard.
 *
 * @throws AddressRefusedError; the error of the connection; the signal's reason
 */
export function openSocket(
  { host: hostname, port }: { host: string; port: number },
  { guard, role, timeoutMs: timeout, signal }: OpenSocketOptions,
): Promise<Socket> {
  const connect = guardedConnector(guard, { timeout }, role);
  const target = { protocol: 'http:', hostname, host: `${hostname}:${port}`, port: String(port) };
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    connect(target, (error, socket) => {
      signal?.removeEventListener('abort', abort);
      if (error !== null) reject(error);
      else if (signal?.aborted) socket.destroy();
      else resolve(socket);
    });
  });
}
