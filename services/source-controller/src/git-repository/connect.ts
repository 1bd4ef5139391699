import { advertisementMemoryBytes, type Discovery } from '../adapters/git/git-http.ts';
import type { GitTransport } from '../adapters/git/git-transport.ts';
import { HttpTransport } from '../adapters/git/http-transport.ts';
import { GitRemote } from '../adapters/git/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { accessTo, type Destination } from './credentials.ts';
import type { GitContext, GitRepositoryDeps } from './deps.ts';

const maxDiscoveries = 5000;

/**
 * Prepares the connection to the repository of `spec.url`; sends nothing to it yet.
 *
 * @throws RetryableError `AuthenticationFailed` when a Secret is missing or incomplete
 */
export async function connect(
  context: GitContext,
  deps: GitRepositoryDeps,
  address: URL,
  limit: TimeLimit,
): Promise<GitRemote> {
  const discovery = deps.discoveries.get(discoveryKey(context));
  return connectTo(context, deps, { address, signal: limit.signal }, discovery);
}

/**
 * Prepares the connection to any repository that belongs to the object; sends nothing to it yet.
 *
 * @param to.path on an SSH server, when it is not that of the address
 * @throws as {@link connect}
 */
export async function connectTo(
  context: GitContext,
  deps: GitRepositoryDeps,
  to: Destination & { path?: string | undefined },
  discovery?: Discovery,
): Promise<GitRemote> {
  const share = context.object.metadata.namespace ?? '';
  const { signal } = to;
  return new GitRemote({
    transport: await transportTo(context, deps, to),
    signal,
    acquireMemory: () => deps.memory.acquire(share, advertisementMemoryBytes, signal),
    discovery,
  });
}

async function transportTo(
  context: GitContext,
  deps: GitRepositoryDeps,
  to: Destination & { path?: string | undefined },
): Promise<GitTransport> {
  const { url, authorization, endpoint, secret } = await accessTo(context, deps, to);
  const { address, path, signal } = to;
  const share = context.object.metadata.namespace ?? '';
  if (url.protocol !== 'ssh:') {
    return new HttpTransport({
      url,
      authorization,
      dispatcher: deps.endpoints.dispatcherFor(endpoint, share),
      signal,
    });
  }
  // Loaded when an object needs it.
  const { sshTransport } = await import('./ssh-access.ts');
  const { proxy } = endpoint;
  return sshTransport(address, secret, { ...deps.ssh, url, path, share, signal, proxy });
}

/** Remembers what a server said about itself, so that the next poll takes one request less. */
export function remember(context: GitContext, deps: GitRepositoryDeps, remote: GitRemote): void {
  const key = discoveryKey(context);
  const discovery: Discovery | undefined = remote.discovery;
  deps.discoveries.delete(key);
  if (discovery === undefined) return;
  deps.discoveries.set(key, discovery);
  const [oldest] = deps.discoveries.keys();
  if (deps.discoveries.size > maxDiscoveries && oldest !== undefined)
    deps.discoveries.delete(oldest);
}

/** Per object, because another object may reach another server under the same address, through its proxy. */
function discoveryKey({ key, object }: GitContext): string {
  return `${key} ${object.spec.url}`;
}
