import type { KubeObject } from '@sluice/shared/api';
import { gitRepositoryKind, kustomizationKind } from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { until } from '@sluice/testing';
import { appsV1, coreV1 } from '../objects.ts';
import { timeoutMs } from '../world.ts';
import { untilAllReady } from './install.ts';
import { type ChartWorld, fluxNamespace } from './world.ts';

const namespace = 'shard';
const shard = 'one';

/** Values for several replicas that elect a leader, and a shard with controllers of its own. */
export const highlyAvailable = {
  sharding: { shards: [shard] },
  sourceController: { leaderElection: 'always' },
  kustomizeController: { replicas: 2 },
  helmController: { leaderElection: 'always' },
};

const shardedNames = ['source-controller', 'kustomize-controller', 'helm-controller'];

/** Upgrades the umbrella to these values and waits until the new Pods are ready and the old ones gone. */
export async function upgrade(world: ChartWorld, values: object): Promise<void> {
  const chart = world.charts.sluice;
  await world.install({ name: 'sluice', namespace: fluxNamespace, chart, values });
  const names = shardedNames.flatMap((name) => [name, `${name}-${shard}`]);
  for (const name of names) await untilRolledOut(world, name);
  await untilAllReady(world.node, fluxNamespace, { names });
}

interface Rollout extends KubeObject {
  spec: { replicas: number };
  status?: { observedGeneration?: number; replicas?: number; updatedReplicas?: number };
}

async function untilRolledOut(world: ChartWorld, name: string): Promise<void> {
  await until<Rollout>(
    world.client,
    await world.resource(appsV1('Deployment')),
    { namespace: fluxNamespace, name },
    ({ metadata, spec, status }) =>
      status?.observedGeneration === metadata.generation &&
      status?.updatedReplicas === spec.replicas &&
      status?.replicas === spec.replicas,
    { timeoutMs },
  );
}

interface Lease extends KubeObject {
  spec: { acquireTime?: string; renewTime?: string };
}

/** Waits until the leader of each election in the namespace of the umbrella has renewed its Lease. */
export async function untilLeadersRenew(world: ChartWorld): Promise<void> {
  const { items } = await world.client.list<Lease>(coreResources.leases, {
    namespace: fluxNamespace,
  });
  for (const { metadata } of items) {
    await until<Lease>(
      world.client,
      coreResources.leases,
      metadata,
      ({ spec }) => spec.renewTime !== spec.acquireTime,
      { timeoutMs },
    );
  }
}

/** A source and a Kustomization with the label of the shard become ready. */
export async function useShard(world: ChartWorld): Promise<void> {
  const metadata = { namespace, name: 'shop', labels: { 'sharding.fluxcd.io/key': shard } };
  const url = world.reach(world.git.url('shop'));
  const files = {
    'shard/settings.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: ${namespace}
`,
  };
  await world.repo.commit({ files });
  await world.apply({ ...coreV1('Namespace'), metadata: { name: namespace } } as KubeObject);
  await world.apply({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata,
    spec: { interval: '10m', url, ref: { branch: 'main' } },
  } as KubeObject);
  await world.apply({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata,
    spec: {
      interval: '10m',
      prune: true,
      path: './shard',
      sourceRef: { kind: 'GitRepository', name: 'shop' },
    },
  } as KubeObject);
  for (const kind of [gitRepositoryKind, kustomizationKind]) {
    await until(world.client, resourceOf(kind), metadata, isReady, { timeoutMs });
  }
}
