import { BudgetError, RetryableError } from '@sluice/shared/base';
import type { NamedProxy } from '@sluice/shared/net';
import { SshTransport } from '../adapters/git/ssh-transport.ts';
import { connectSsh, type SshSettings, type SshTarget } from '../adapters/ssh/connect.ts';
import { KnownHosts, KnownHostsError } from '../adapters/ssh/known-hosts.ts';
import { openPrivateKey } from '../adapters/ssh/open-key.ts';
import { PrivateKeyError } from '../adapters/ssh/private-key.ts';
import { authenticationFailedReason } from '../source/names.ts';
import type { SecretData } from '../source/secrets.ts';

const defaultPort = 22;
const defaultUser = 'git';

/** Whose connection it is, and what ends it. */
interface Turn {
  /** Whose turn it takes, such as a namespace. */
  share: string;
  signal: AbortSignal;
  /** Through which the server is reached. */
  proxy?: NamedProxy;
}

/**
 * Prepares the connection to a repository on an SSH server; sends nothing to it yet.
 *
 * @param address with the name of the user
 * @param o.url address without credentials
 * @param o.path on the server, when it is not that of the address
 * @throws RetryableError `AuthenticationFailed` that names what is missing or wrong in the Secret
 */
export async function sshTransport(
  address: URL,
  secret: SecretData | undefined,
  o: SshSettings & Turn & { url: URL; path?: string | undefined },
): Promise<SshTransport> {
  const target = await sshTarget(address, secret, o);
  const { url, path, share, signal, rate } = o;
  return new SshTransport({
    url,
    ...(path !== undefined && { path }),
    connect: () => connectSsh(target, o),
    pace: { rate, share },
    signal,
  });
}

/**
 * Reads from a Secret how to log in to an SSH server: `identity`, its passphrase in `password`, and `known_hosts`.
 */
async function sshTarget(
  address: URL,
  secret: SecretData | undefined,
  o: Turn,
): Promise<SshTarget> {
  if (secret === undefined) {
    throw refused('spec.secretRef must name a Secret with identity and known_hosts for ssh://');
  }
  const { identity, known_hosts, password = '' } = secret.values;
  if (!identity || !known_hosts) {
    throw refused(`secret '${secret.id}' must hold identity and known_hosts for ssh://`);
  }
  const { id } = secret;
  const knownHosts = readKnownHosts(known_hosts, id);
  const key = await openPrivateKey({ key: identity, passphrase: password }, o).catch((error) => {
    if (error instanceof PrivateKeyError) {
      throw refused(`identity of secret '${id}' ${error.message}`, error);
    }
    if (!(error instanceof BudgetError)) throw error;
    throw refused(`identity of secret '${id}' cannot be opened: ${error.message}`, error);
  });
  return {
    host: address.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: address.port === '' ? defaultPort : Number(address.port),
    username: decodeURIComponent(address.username) || defaultUser,
    key,
    knownHosts,
    ...(o.proxy && { proxy: o.proxy }),
  };
}

function readKnownHosts(text: string, id: string): KnownHosts {
  try {
    return new KnownHosts(text);
  } catch (error) {
    if (!(error instanceof KnownHostsError)) throw error;
    throw refused(`known_hosts of secret '${id}' ${error.message}`, error);
  }
}

function refused(message: string, cause?: unknown): RetryableError {
  return new RetryableError(authenticationFailedReason, message, { cause });
}
