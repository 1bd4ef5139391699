import type { StoredRevision } from '../release/release-secret.ts';
import type { ReleaseStorage } from '../release/storage.ts';
import type { Run } from './run.ts';

function note({ state }: Run, revision: StoredRevision): StoredRevision {
  const { known } = state;
  const isNewest = known?.name !== revision.name || known.version <= revision.version;
  if (isNewest) state.known = revision;
  return revision;
}

/** Remembers what is written to the records, so that it need not be read again. */
export function remembering(run: Run, storage: ReleaseStorage): ReleaseStorage {
  return {
    revisions: (name) => storage.revisions(name),
    last: (name) => storage.last(name),
    deployed: (name) => storage.deployed(name),
    get: (name, version) => storage.get(name, version),
    read: (revision) => storage.read(revision),
    history: (name) => storage.history(name),
    create: async (release) => note(run, await storage.create(release)),
    update: async (release, seen) => note(run, await storage.update(release, seen)),
    async delete(name, version) {
      await storage.delete(name, version);
      run.state.known = undefined;
    },
    prune: (name, maxHistory) => storage.prune(name, maxHistory),
  };
}

/**
 * Returns the newest revision when it is known without a request which one that is: the watch says so, or this very
 * reconcile has written it and the watch has not seen that yet.
 *
 * @returns undefined when the records have to be looked at
 */
export function knownRevision(run: Run): StoredRevision | undefined {
  const { known } = run.state;
  const { releaseName: name, storageNamespace: namespace } = run;
  if (known?.name !== name || run.object.spec.kubeConfig !== undefined) return undefined;
  const newest = run.deps.releaseWatch.newest({ namespace, name });
  const isSeen = newest?.resourceVersion === known.resourceVersion;
  const isAhead =
    (newest?.version ?? 0) <= known.version &&
    Number(newest?.resourceVersion ?? 0) < Number(known.resourceVersion);
  return isSeen || (isAhead && run.hasActed) ? known : undefined;
}
