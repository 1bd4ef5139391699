import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { loadAll } from 'js-yaml';
import { isObject } from '../../../tools/test/docs/examples.ts';
import { appsV1, coreV1 } from '../objects.ts';
import type { World } from '../world.ts';
import { type Addresses, filesOf } from './addresses.ts';
import { getsReady } from './wait.ts';

/** A way to lay out repositories, from `examples/structures`. */
export interface Structure {
  name: string;
  /** Directory of each repository, by its name in addresses; the one with the clusters is `platform`. */
  repos: Record<string, string>;
  /** Directory of the clusters in that repository. */
  clustersDir: string;
  /** A Deployment, and what it looks like in each cluster. */
  workload: { namespace: string; name: string };
  clusters: Record<string, Workload>;
}

export interface Workload {
  replicas: number;
  image: string;
}

export const structures: Structure[] = [
  {
    name: 'monorepo',
    repos: { platform: 'monorepo' },
    clustersDir: 'clusters',
    workload: { namespace: 'apps', name: 'web' },
    clusters: {
      staging: { replicas: 1, image: 'example/web:1.1.0' },
      production: { replicas: 3, image: 'example/web:1.0.0' },
    },
  },
  {
    name: 'environments',
    repos: { platform: 'environments' },
    clustersDir: 'environments',
    workload: { namespace: 'web', name: 'web' },
    clusters: {
      staging: { replicas: 1, image: 'example/web:1.1.0' },
      production: { replicas: 3, image: 'example/web:1.0.0' },
    },
  },
  {
    name: 'repository-per-team',
    repos: {
      platform: 'repository-per-team/platform',
      'team-shop': 'repository-per-team/team-shop',
    },
    clustersDir: 'clusters',
    workload: { namespace: 'team-shop', name: 'shop' },
    clusters: { production: { replicas: 1, image: 'example/shop:1.0.0' } },
  },
];

const examples = join('examples', 'structures');

/** Makes the repositories of a structure, and a namespace for its entry; returns what stands for what. */
export async function publishStructure(world: World, o: Structure): Promise<Addresses> {
  const namespace = `flux-${o.name}`;
  await world.apply({ ...coreV1('Namespace'), metadata: { name: namespace } });
  const addresses: Addresses = { 'flux-system': namespace };
  for (const name of Object.keys(o.repos)) {
    addresses[`https://git.example.com/${name}.git`] = world.git.url(`${o.name}-${name}`);
  }
  for (const [name, dir] of Object.entries(o.repos)) {
    await world.git.createRepo(`${o.name}-${name}`, await filesOf(join(examples, dir), addresses));
  }
  return addresses;
}

function objectsIn(files: Record<string, string>, path: string): KubeObject[] {
  return Object.entries(files)
    .filter(([name]) => name.startsWith(path))
    .flatMap(([, text]) => loadAll(text).filter(isObject));
}

/** What is applied by hand, and everything of our kinds that has to follow. */
export async function objectsOfCluster(
  o: Structure,
  cluster: string,
  addresses: Addresses,
): Promise<{ sync: KubeObject[]; ours: KubeObject[] }> {
  const files = await filesOf(join(examples, o.repos['platform'] as string), addresses);
  const dir = `${o.clustersDir}/${cluster}/`;
  const sync = objectsIn(files, `${dir}sync.yaml`);
  const others = [...objectsIn(files, dir), ...objectsIn(files, 'tenants/')];
  return { sync, ours: [...sync, ...others].filter(getsReady) };
}

interface Deployment extends KubeObject {
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
}

/** The Deployment of a structure. */
export async function workloadOf(world: World, { workload }: Structure): Promise<Workload> {
  const resource = await world.resource(appsV1('Deployment'));
  const { spec } = await world.client.get<Deployment>(resource, workload);
  const image = spec.template.spec.containers[0]?.image ?? '';
  return { replicas: spec.replicas, image };
}

/** The namespace of the Deployment of a structure. */
export function namespaceOf({ workload }: Structure): KubeObject {
  return { ...coreV1('Namespace'), metadata: { name: workload.namespace } };
}
