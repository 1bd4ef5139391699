import {
  gitRepositoryKind,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
  ociRepositoryKind,
} from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { gvkOf, resourceOf } from '@sluice/shared/kube';
import { appObjects } from './apps.ts';
import type { Bench } from './setup.ts';

/** Requests at a time, as of kustomize-controller in the same benchmark. */
const concurrency = 20;

/** What the cluster has to be told by whoever deploys applications: their objects, and what has become of each. */
export interface FloorRun {
  names: readonly string[];
  namespace: string;
  version: string;
  /** Sources of which each application has one of its own; of others the one source is told of once. */
  source: 'oci' | 'git';
  /** Whether the objects are there, so that only what a version changes has to be sent. */
  isUpgrade: boolean;
}

/**
 * Sends no more than any controllers must: the objects of each application, the status of its source and that of its
 * Kustomization. Nothing is fetched, built, watched or waited for, so that nobody can be faster on the same machine.
 */
export async function runFloor(bench: Bench, o: FloorRun): Promise<void> {
  const ready = [{ type: 'Ready', status: 'True', reason: 'Succeeded', message: o.version }];
  const tell = async (kind: unknown, name: string, status: object) => {
    const conditions = ready.map((one) => ({
      ...one,
      lastTransitionTime: new Date().toISOString(),
    }));
    await bench.client.patch<KubeObject>(
      resourceOf(kind as KindDefinition),
      { name, namespace: o.namespace },
      { status: { conditions, ...status } },
      { type: 'merge', subresource: 'status' },
    );
  };
  if (o.source === 'git') await tell(gitRepositoryKind, 'apps', {});
  await mapConcurrently(o.names, concurrency, async (name) => {
    if (o.source === 'oci') await tell(ociRepositoryKind, name, {});
    const objects = appObjects(name, o.version, o.namespace);
    for (const object of objects) {
      if (o.isUpgrade && object.kind !== 'Deployment') continue;
      const resource = await bench.client.mapper.resourceFor(gvkOf(object));
      await bench.client.apply(resource, object, { fieldManager: 'floor', force: true });
    }
    await tell(kustomizationKind, name, { observedGeneration: 1, lastAppliedRevision: o.version });
  });
}
