import type { KubeObject, Kustomization } from '@sluice/shared/api';
import {
  gitRepositoryKind,
  kustomizationKind,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { appFiles, appKustomization, tenant } from './apps.ts';
import { untilAll } from './measure.ts';
import type { Bench } from './setup.ts';

/** Applications of one repository, each in a folder of its own and with a Kustomization of its own. */
export interface Fleet {
  readonly names: readonly string[];
  readonly namespace: string;
  /** Creates the source and the Kustomizations; resolves when all are Ready. */
  install(): Promise<void>;
  /** Commits a version of some of the applications; returns the commit. */
  commit(names: readonly string[], version: string): Promise<string>;
  /** Has the source looked at. */
  lookForCommits(): Promise<void>;
  /** Has the source looked at, and resolves when every Kustomization has applied a commit and is Ready. */
  roll(sha: string, onReady?: (name: string) => void): Promise<void>;
}

const repository = 'fleet';

/**
 * Makes a repository of N applications of four objects, and what deploys them.
 */
export async function createFleet(
  bench: Bench,
  o: { count: number; namespace: string },
): Promise<Fleet> {
  const { namespace } = o;
  const names = Array.from({ length: o.count }, (_, at) => `app-${at}`);
  const filesOf = (wanted: readonly string[], version: string) =>
    Object.fromEntries(
      wanted.flatMap((name) =>
        Object.entries(appFiles(name, version)).map(([file, text]) => [`${name}/${file}`, text]),
      ),
    );
  const repo = await bench.git.createRepo(repository, filesOf(names, '1.0.0'));
  const untilReady = (sha: string, onReady?: (name: string) => void) =>
    untilAll<Kustomization>(bench, {
      resource: resourceOf(kustomizationKind),
      namespace,
      count: names.length,
      isDone(object) {
        const { name } = object.metadata;
        const isAt = (object.status?.lastAppliedRevision ?? '').endsWith(sha);
        const isDone = names.includes(name) && isAt && isReady(object);
        if (isDone) onReady?.(name);
        return isDone;
      },
    });
  const lookForCommits = async () => {
    const annotations = { [reconcileRequestAnnotation]: new Date().toISOString() };
    await bench.client.patch(
      resourceOf(gitRepositoryKind),
      { name: repository, namespace },
      { metadata: { annotations } },
      { type: 'merge' },
    );
  };
  return {
    names,
    namespace,
    async install() {
      await bench.apply(tenant(namespace));
      const ready = untilReady(await repo.resolve('main'));
      await bench.apply([
        {
          apiVersion: 'source.toolkit.fluxcd.io/v1',
          kind: 'GitRepository',
          metadata: { name: repository, namespace },
          spec: { interval: '1h', url: bench.git.url(repository), ref: { branch: 'main' } },
        } as KubeObject,
        ...names.map((name) =>
          appKustomization({
            name,
            namespace,
            sourceKind: 'GitRepository',
            sourceName: repository,
            path: `./${name}`,
          }),
        ),
      ]);
      await ready;
    },
    commit: (wanted, version) => repo.commit({ files: filesOf(wanted, version), message: version }),
    lookForCommits,
    async roll(sha, onReady) {
      const ready = untilReady(sha, onReady);
      await lookForCommits();
      await ready;
    },
  };
}
