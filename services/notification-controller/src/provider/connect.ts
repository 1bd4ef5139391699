import type { Socket } from 'node:net';
import { errorMessage } from '@sluice/shared/base';
import { guardedConnector, type NetworkGuard, refusalIn } from '@sluice/shared/net';
import { DeliveryError, UnusableProviderError } from './delivery-error.ts';

/** A connection for a protocol that is not HTTP. */
export interface Connection {
  /** As `host:port`, for messages. */
  name: string;
  socket: Socket;
  /** Aborts when the time for the delivery is over. */
  signal: AbortSignal;
  close(): void;
}

/**
 * Opens a connection through the guard, within the endpoint's timeout.
 *
 * @throws DeliveryError
 */
export type Connect = (host: string, port: number) => Promise<Connection>;

/** Makes the function by which an adapter connects, for one delivery. */
export function createConnect(o: {
  guard: NetworkGuard;
  signal: AbortSignal;
  timeoutMs: number;
}): Connect {
  return (hostname, port) => {
    const open = guardedConnector(o.guard, { timeout: o.timeoutMs });
    const name = `${hostname}:${port}`;
    const target = { protocol: 'http:', host: name, hostname, port: String(port) };
    return new Promise((resolve, reject) => {
      open(target, (error, socket) => {
        if (error !== null) return reject(failureOf(error, name));
        const signal = AbortSignal.any([o.signal, AbortSignal.timeout(o.timeoutMs)]);
        const close = () => socket.destroy();
        socket.on('error', close);
        signal.addEventListener('abort', close, { once: true });
        resolve({ name, socket, signal, close });
      });
    });
  };
}

function failureOf(error: Error, name: string): DeliveryError {
  const refusal = refusalIn(error);
  if (refusal === undefined) {
    return new DeliveryError(`${name} cannot be reached: ${errorMessage(error)}`);
  }
  const message = `spec.address cannot be used: ${refusal.message}`;
  return new UnusableProviderError(message, { permanent: true, cause: error });
}
