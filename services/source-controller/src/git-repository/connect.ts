import { advertisementMemoryBytes, type Discovery } from '../adapters/git/git-http.ts';
import type { GitTransport } from '../adapters/git/git-transport.ts';
import { HttpTransport } from '../adapters/git/http-transport.ts';
import { GitRemote } from '../adapters/git/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { accessTo } from './credentials.ts';
import type { GitContext, GitRepositoryDeps } from './deps.ts';

const maxDiscoveries = 5000;

/**
 * Prepares the connection to a repository; sends nothing to it yet.
 *
 * @throws RetryableError `AuthenticationFailed` when a Secret is missing or incomplete
 */
export async function connect(
  context: GitContext,
  deps: GitRepositoryDeps,
  address: URL,
  limit: TimeLimit,
): Promise<GitRemote> {
  const share = context.object.metadata.namespace ?? '';
  const { signal } = limit;
  return new GitRemote({
    transport: await transportTo(context, deps, { address, signal }),
    signal,
    acquireMemory: () => deps.memory.acquire(share, advertisementMemoryBytes, signal),
    discovery: deps.discoveries.get(discoveryKey(context)),
  });
}

async function transportTo(
  context: GitContext,
  deps: GitRepositoryDeps,
  to: { address: URL; signal: AbortSignal },
): Promise<GitTransport> {
  const { url, authorization, endpoint, secret } = await accessTo(context, deps, to);
  const { address, signal } = to;
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
  return sshTransport(address, secret, { ...deps.ssh, url, share, signal });
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
