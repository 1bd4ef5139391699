import { advertisementMemoryBytes, type Discovery } from '../adapters/git/git-http.ts';
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
  const { url, authorization, endpoint } = await accessTo(context.client, context.object, address);
  return new GitRemote({
    url,
    authorization,
    dispatcher: deps.endpoints.dispatcherFor(endpoint),
    signal: limit.signal,
    acquireMemory: () =>
      deps.memory.acquire(
        context.object.metadata.namespace ?? '',
        advertisementMemoryBytes,
        limit.signal,
      ),
    discovery: deps.discoveries.get(discoveryKey(context)),
  });
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
