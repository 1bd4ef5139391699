import type { Socket } from 'node:net';
import { errorMessage, printable } from '@sluice/shared/base';
import {
  type ByteRate,
  type NamedProxy,
  type NetworkGuard,
  openSocket,
  openTunnel,
} from '@sluice/shared/net';
import ssh2, { type Algorithms, type Client } from 'ssh2';
import { LoginRefusedError, ProtocolError } from '../git/git-error.ts';
import type { KnownHosts } from './known-hosts.ts';
import { fingerprintOf } from './wire.ts';

/** Algorithms that are offered, in order; the default ones when empty. */
export interface SshAlgorithms {
  kex: string[];
  hostKey: string[];
}

/** Of the process. */
export interface SshSettings {
  guard: NetworkGuard;
  algorithms: SshAlgorithms;
  rate: ByteRate;
}

/** A server, and as whom it is used. */
export interface SshTarget {
  host: string;
  port: number;
  username: string;
  /** Opened private key. */
  key: string;
  knownHosts: KnownHosts;
  /** Through which it is reached. */
  proxy?: NamedProxy;
}

const connectTimeoutMs = 15_000;
/** Larger groups would hold up the event loop for a server that chooses them. */
const defaultKex = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
];
const defaultHostKey = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * Opens an SSH connection through the guard, to a server that proves to have a known key.
 *
 * @throws LoginRefusedError when the server does not accept the key; ProtocolError when it cannot be reached or is not
 *   known; as {@link openTunnel} does
 */
export async function connectSsh(
  target: SshTarget,
  o: Omit<SshSettings, 'rate'> & { signal: AbortSignal },
): Promise<Client> {
  const hostKey = hostKeyAlgorithms(target, o.algorithms);
  const socket = await reach(target, o);
  const client = new ssh2.Client();
  const abort = () => client.destroy();
  try {
    o.signal.throwIfAborted();
    o.signal.addEventListener('abort', abort, { once: true });
    await handshake(client, socket, { target, hostKey, kex: o.algorithms.kex });
    return client;
  } catch (error) {
    client.destroy();
    socket.destroy();
    o.signal.throwIfAborted();
    throw error;
  }
}

function reach(
  { host, port, proxy }: SshTarget,
  { guard, signal }: { guard: NetworkGuard; signal: AbortSignal },
): Promise<Socket> {
  const o = { guard, timeoutMs: connectTimeoutMs, signal };
  if (proxy === undefined) return openSocket({ host, port }, o);
  return openTunnel({ host: host.includes(':') ? `[${host}]` : host, port }, { ...o, proxy });
}

interface Handshake {
  target: SshTarget;
  hostKey: string[];
  kex: string[];
}

function handshake(client: Client, sock: Socket, { target, hostKey, kex }: Handshake) {
  const { host, port, username, key, knownHosts } = target;
  let unknown: string | undefined;
  // ssh2's types list the names that it knows; others are refused by it.
  const algorithms = {
    kex: kex.length > 0 ? kex : defaultKex,
    serverHostKey: hostKey,
    compress: ['none'],
  } as unknown as Algorithms;
  return new Promise<void>((resolve, reject) => {
    client.once('ready', resolve);
    // Stays: an error without a listener would end the process.
    client.on('error', (error) => reject(failureOf(error, target, unknown)));
    client.once('close', () => reject(new ProtocolError('the server ended the SSH connection')));
    client.connect({
      sock,
      username,
      privateKey: key,
      authHandler: ['publickey'],
      readyTimeout: 0,
      algorithms,
      hostVerifier: (offered: Buffer) => {
        if (knownHosts.isKnown(host, port, offered)) return true;
        unknown = fingerprintOf(offered);
        return false;
      },
    });
  });
}

function hostKeyAlgorithms(
  { host, port, knownHosts }: SshTarget,
  { hostKey }: SshAlgorithms,
): string[] {
  const known = knownHosts.algorithmsOf(host, port);
  const allowed = hostKey.length > 0 ? hostKey : [...defaultHostKey, 'ssh-rsa'];
  const both = allowed.filter((name) => known.includes(name));
  if (both.length > 0) return both;
  const name = `${host}:${port}`;
  if (known.length > 0) {
    throw new ProtocolError(
      `known_hosts has no key of ${name} for an algorithm that may be used: ${allowed.join(', ')}`,
    );
  }
  throw new ProtocolError(
    noteOnAuthorities(knownHosts.authorityLines(host, port)) ??
      `known_hosts has no key of ${name}: add what ssh-keyscan prints for it`,
  );
}

/** ssh2 asks no server for a certificate, and has no place where that could be added. */
function noteOnAuthorities([line]: number[]): string | undefined {
  if (line === undefined) return undefined;
  return `known_hosts names an authority in line ${line} (@cert-authority), and certificates of servers are not supported: add the key of the server itself, as ssh-keyscan prints it`;
}

function failureOf(
  error: Error & { level?: string },
  { host, port, knownHosts }: SshTarget,
  unknown: string | undefined,
): Error {
  if (unknown !== undefined) {
    const note = noteOnAuthorities(knownHosts.authorityLines(host, port));
    const message = `the server has the key ${unknown}, which known_hosts does not have for it`;
    return new ProtocolError(note === undefined ? message : `${message}; ${note}`);
  }
  if (error.level === 'client-authentication') {
    return new LoginRefusedError('the server does not accept the key in identity', {
      cause: error,
    });
  }
  return new ProtocolError(`SSH: ${printable(errorMessage(error))}`, { cause: error });
}
