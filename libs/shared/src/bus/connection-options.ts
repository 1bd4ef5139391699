import { readFileSync } from 'node:fs';
import {
  type Authenticator,
  credsAuthenticator,
  type NodeConnectionOptions,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { jitter } from '@sluice/shared/base';

/** How to reach and log in to the NATS server. */
export interface BusAddress {
  /** One address or several with commas between, such as `nats://nats.flux-system:4222`. */
  url: string;
  /** Name of the client, shown by the server. */
  name: string;
  /** Logs in with the password of `passwordFile`. */
  user?: string;
  passwordFile?: string;
  credsFile?: string;
  nkeyFile?: string;
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
}

const reconnectMs = 500;
const pingIntervalMs = 10_000;
const handshakeTimeoutMs = 5_000;

/**
 * Makes the options of a connection that is retried for ever.
 *
 * @throws RangeError when the address is empty or holds credentials, which would show up in process lists and logs, or
 * when there are several ways to log in or half of one
 */
export function connectionOptions(
  address: BusAddress,
): NodeConnectionOptions & { inboxPrefix: string } {
  return {
    servers: servers(address.url),
    name: address.name,
    // So that a server's permissions can keep the answers to one controller from the others.
    inboxPrefix: `_INBOX.${address.name}`,
    authenticator: authenticator(address),
    tls: address.tls && Object.values(address.tls).some(Boolean) ? address.tls : undefined,
    timeout: handshakeTimeoutMs,
    pingInterval: pingIntervalMs,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => jitter(reconnectMs, 50),
    // Credentials may be rotated or the server's accounts not loaded yet.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
}

function servers(url: string): string[] {
  const list = url
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (list.length === 0) throw new RangeError('--nats-url is empty: name the NATS server');
  for (const server of list) {
    if (server.includes('@')) {
      throw new RangeError(
        '--nats-url holds credentials: put them in a file and name it with --nats-creds-file, or --nats-user and --nats-password-file',
      );
    }
  }
  return list;
}

/** Files are read at each attempt, so that rotated credentials are used without a restart. */
function authenticator(address: BusAddress): Authenticator | undefined {
  const { credsFile, nkeyFile, user, passwordFile } = address;
  if (!user !== !passwordFile) {
    throw new RangeError('--nats-user and --nats-password-file belong together: set both or none');
  }
  if ([credsFile, nkeyFile, user].filter(Boolean).length > 1) {
    throw new RangeError(
      'set one of --nats-user, --nats-creds-file and --nats-nkey-file: each is a way to log in of its own',
    );
  }
  if (user && passwordFile) {
    return usernamePasswordAuthenticator(user, () => readFileSync(passwordFile, 'utf8').trim());
  }
  if (credsFile) return credsAuthenticator(() => readFileSync(credsFile));
  if (nkeyFile) {
    return nkeyAuthenticator(() => new TextEncoder().encode(readFileSync(nkeyFile, 'utf8').trim()));
  }
  return undefined;
}
