import type { KindDefinition } from '@sluice/shared/api';
import type { ArchivedFile, ArtifactArchive, ArtifactStore } from '@sluice/shared/artifact';
import {
  backoff,
  errorMessage,
  type Logger,
  SingleFlight,
  systemClock,
  whenAborted,
} from '@sluice/shared/base';
import { type KubeClient, keyOf, resourceOf } from '@sluice/shared/kube';

const retry = { minMs: 500, maxMs: 60_000 };
/** Milliseconds for which a file may be archived before its object is there. */
const youngMs = 10 * 60_000;

interface Stock {
  store: ArtifactStore;
  archive: ArtifactArchive;
  client: KubeClient;
  /** The kinds whose artifacts are made here. */
  kinds: readonly KindDefinition[];
  /** The only namespace whose objects are known; all when undefined. */
  namespace: string | undefined;
  logger: Logger;
}

/**
 * Lists the archive each time that it comes into reach, and removes what belongs to objects that do not exist any more,
 * until the signal aborts. While it is out of reach, nothing is removed.
 */
export async function keepStock(o: Stock, signal: AbortSignal): Promise<void> {
  const taking = new SingleFlight<void>();
  const running = new Set<Promise<void>>();
  const stop = o.archive.onReady(() => {
    const taken = taking.run('', () => takeStock(o, signal));
    running.add(taken);
    void taken.finally(() => running.delete(taken));
  });
  await whenAborted(signal);
  stop();
  await Promise.all(running);
}

async function takeStock(o: Stock, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const files = (await o.store.archived?.takeStock()) ?? [];
      await removeOrphans(o, files, signal);
      o.logger.info({ files: files.length }, 'The archive of artifacts is listed');
      return;
    } catch (error) {
      const log = attempt === 0 ? 'info' : 'debug';
      o.logger[log]({ error: errorMessage(error) }, 'The archive of artifacts cannot be listed');
    }
    await systemClock.sleep(backoff({ attempt, ...retry }), signal).catch(() => undefined);
  }
}

/** Objects of other shards count as well: only the API server knows them all. */
async function removeOrphans(
  { store, client, kinds, namespace, logger }: Stock,
  files: readonly ArchivedFile[],
  signal: AbortSignal,
): Promise<void> {
  for (const kind of kinds) {
    const prefix = `${kind.kind.toLowerCase()}/${namespace === undefined ? '' : `${namespace}/`}`;
    const ofKind = files.filter(({ name }) => name.startsWith(prefix));
    if (ofKind.length === 0) continue;
    // Listed after the archive: whatever is archived has had its object before, or is young.
    const options = { metadataOnly: true, namespace, signal };
    const { items } = await client.list(resourceOf(kind), options);
    const there = new Set(items.map(keyOf));
    for (const { name, storedAt } of ofKind) {
      const [, ns, object] = name.split('/');
      if (there.has(`${ns}/${object}`) || systemClock.now() - storedAt < youngMs) continue;
      logger.info({ path: name }, 'Artifact of no object removed from the archive');
      await store.archived?.remove(name);
    }
  }
}
