import { guardedConnector, type NetworkGuard } from '@sluice/shared/net';
import { buildConnector } from 'undici';
import type { ClusterConfig, TlsMaterial } from './cluster-config.ts';

/** Idle milliseconds after which the kernel asks whether the peer still lives; it gives up 10 s later. */
const keepAliveDelayMs = 15_000;

const connectTimeoutMs = 10_000;

function sameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return (
    a.ca === b.ca &&
    a.cert === b.cert &&
    a.key === b.key &&
    a.servername === b.servername &&
    a.rejectUnauthorized === b.rejectUnauthorized
  );
}

/**
 * Returns a function that opens connections with the TLS material of the moment, so that rotated certificates count
 * from the next connection on. Sessions are resumed as long as the material stays the same.
 *
 * @param o.allowH2 offers HTTP/2 to the server
 * @param o.guard when an object names the server
 */
export function createConnector(
  config: ClusterConfig,
  o: { allowH2: boolean; guard?: NetworkGuard },
): buildConnector.connector {
  let current: { material: TlsMaterial; connect: buildConnector.connector } | undefined;
  const connector = async () => {
    const material = await config.tls();
    if (current === undefined || !sameMaterial(current.material, material)) {
      const options = {
        ...material,
        allowH2: o.allowH2,
        timeout: connectTimeoutMs,
        keepAliveInitialDelay: keepAliveDelayMs,
      };
      const connect =
        o.guard === undefined ? buildConnector(options) : guardedConnector(o.guard, options);
      current = { material, connect };
    }
    return current;
  };
  return (options, callback) => {
    connector().then(
      ({ material, connect }) =>
        connect({ ...options, servername: material.servername ?? options.servername }, callback),
      (error: Error) => callback(error, null),
    );
  };
}
