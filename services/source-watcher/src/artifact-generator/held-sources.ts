import { BudgetError, errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { buildFailedReason, sourceFetchFailedReason } from '../names.ts';
import type { GeneratorContext, GeneratorDeps } from './deps.ts';
import type { ObservedSources } from './observe-sources.ts';

/** Most bytes, unpacked, of all sources of one ArtifactGenerator together. */
const maxSourceBytes = 2 * 1024 ** 3;

/**
 * Downloads and unpacks sources, and holds them while the work with them goes on.
 *
 * @param work gets their directories by their aliases
 * @throws ReconcileError `SourceFetchFailed` when one cannot be had; RetryableError `BuildFailed` when they are too large
 */
export async function withSources<T>(
  { signal }: GeneratorContext,
  { artifacts: cache }: GeneratorDeps,
  { artifacts }: ObservedSources,
  o: { aliases: Iterable<string>; work: (dirs: Record<string, string>) => Promise<T> },
): Promise<T> {
  const dirs: Record<string, string> = {};
  const releases: (() => void)[] = [];
  let bytes = 0;
  try {
    for (const alias of new Set(o.aliases)) {
      const artifact = artifacts.get(alias);
      // Whatever uses an alias that is not there says so.
      if (artifact === undefined) continue;
      const held = await cache.acquire(artifact, signal).catch(fetchFailed);
      releases.push(held.release);
      bytes += held.bytes;
      if (bytes > maxSourceBytes) throw tooLarge();
      dirs[alias] = held.dir;
    }
    return await o.work(dirs);
  } finally {
    for (const release of releases) release();
  }
}

function fetchFailed(error: unknown): never {
  if (!(error instanceof ReconcileError)) throw error;
  const { kind, message, retryAfterMs } = error;
  throw new ReconcileError(kind, sourceFetchFailedReason, message, { cause: error, retryAfterMs });
}

function tooLarge(): RetryableError {
  const cause = new BudgetError(
    `the sources hold more than ${maxSourceBytes} bytes together: use fewer, or smaller ones`,
  );
  return new RetryableError(buildFailedReason, errorMessage(cause), { cause });
}
