import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import {
  type ApiResource,
  coreResources,
  createKubeClient,
  gvkOf,
  type KubeClient,
  loadKubeConfig,
} from '@sluice/shared/kube';
import {
  fluxController,
  startArtifactSource,
  startControllers,
  startControlPlane,
  temporaryFolder,
  until,
} from '@sluice/testing';
import { installFluxCrds } from '../migration/flux-crds.ts';
import { corpusCases, placedNamespaces } from './cases.ts';
import { substitutionFiles, substitutionSource } from './substitution-inputs.ts';

/** Where the Kustomizations and their sources are. */
export const home = 'fidelity';

/** Revision of all sources. */
export const revision = 'v1';

/** Whose kustomize-controller it is. */
export type Side = 'flux' | 'ours';

/** How a controller runs. */
export interface Mode {
  /** Variables that are not set are refused, as is the default. */
  isStrict: boolean;
}

/** A cluster in which every case has a source and its namespaces, and no controller runs. */
export interface FidelityWorld {
  client: KubeClient;
  resource(of: { apiVersion: string; kind: string }): Promise<ApiResource>;
  /** Starts a controller; returns what stops it. */
  start(side: Side, mode: Mode): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

type Definition = KubeObject & { status?: { conditions?: { type: string; status: string }[] } };

const version = (name: string) => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
});

/** The kind of the custom resources of the cases. */
const things = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Thing', plural: 'things' },
    versions: [version('v1'), version('v2')],
  },
};

const isEstablished = ({ status }: Definition) =>
  status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false;

async function prepare(world: Pick<FidelityWorld, 'client' | 'resource'>): Promise<void> {
  const { client, resource } = world;
  const definitions = await resource(things);
  await client.create(definitions, things);
  const own = corpusCases.filter((one) => !one.makesNamespace).map(({ id }) => id);
  const names = [home, substitutionSource, ...placedNamespaces, ...own];
  const create = (name: string) =>
    client.create(coreResources.namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
  await Promise.all([
    installFluxCrds(client),
    until<Definition>(client, definitions, things.metadata, isEstablished),
    ...names.map(create),
  ]);
}

/** Starts the cluster, and publishes the files of all cases. */
export async function startFidelityWorld(): Promise<FidelityWorld> {
  const started = new AsyncDisposableStack();
  const stop = () => started.disposeAsync();
  try {
    const folder = await temporaryFolder('fidelity');
    started.defer(() => folder.remove());
    // What becomes of Pods says nothing about a build.
    const controlPlane = await startControlPlane({ kwok: false, scheduler: false });
    started.defer(() => controlPlane.stop());
    const { kubeconfigPath } = controlPlane;
    const client = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
    started.defer(() => client.close());
    const resource = (of: { apiVersion: string; kind: string }) =>
      client.mapper.resourceFor(gvkOf(of));
    await prepare({ client, resource });
    const dir = folder.path;
    const sources = await startArtifactSource({ client, namespace: home, dir });
    started.defer(() => sources.stop());
    await Promise.all([
      sources.publish(substitutionFiles, { name: substitutionSource, revision }),
      ...corpusCases.map(({ id, files }) => sources.publish(files, { name: id, revision })),
    ]);
    let starts = 0;
    const start = async (side: Side, { isStrict }: Mode) => {
      const gates = isStrict ? [] : ['StrictPostBuildSubstitutions=false'];
      const o = { dir: join(dir, `start-${++starts}`), kubeconfigPath, gates };
      const end = side === 'flux' ? await startFlux(o) : await startOurs(o);
      started.defer(end);
      return end;
    };
    return { client, resource, start, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Start {
  dir: string;
  kubeconfigPath: string;
  /** Feature gates. */
  gates: readonly string[];
}

const argsOf = (gates: readonly string[]) => [
  '--concurrent=10',
  `--feature-gates=${['ExternalArtifact=true', ...gates].join(',')}`,
];

async function startFlux(o: Start) {
  const addresses = { storage: '', events: '', receiver: '' };
  const args = argsOf(o.gates);
  const process = await fluxController('kustomize', { ...o, addresses, args });
  await process.start();
  return () => process.stop();
}

async function startOurs(o: Start) {
  const controllers = await startControllers({
    ...o,
    natsUrl: '',
    namespace: 'flux-system',
    names: ['kustomize-controller'],
    extraArgs: { 'kustomize-controller': argsOf(o.gates) },
  });
  return () => controllers.stop();
}
