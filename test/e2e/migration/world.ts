import type { KubeObject } from '@sluice/shared/api';
import {
  type ApiResource,
  createKubeClient,
  gvkOf,
  type KubeClient,
  loadKubeConfig,
} from '@sluice/shared/kube';
import {
  type Addresses,
  type ControllerName,
  type Controllers,
  type ControlPlane,
  type FluxName,
  fluxController,
  freePorts,
  type GitRepository,
  type GitServer,
  type HelmServer,
  type Registry,
  receiveWebhooks,
  type ServerProcess,
  startControllers,
  startControlPlane,
  startGitServer,
  startHelmServer,
  startRegistry,
  temporaryFolder,
  type WebhookReceiver,
} from '@sluice/testing';
import { installFluxCrds } from './flux-crds.ts';
import { repositoryFiles } from './manifests.ts';
import { cacheChart, queueChart } from './releases.ts';

/** A cluster with Flux's definitions in which each controller can be Flux's own or ours. */
export interface MigrationWorld {
  client: KubeClient;
  controlPlane: ControlPlane;
  dir: string;
  git: GitServer;
  repo: GitRepository;
  charts: HelmServer;
  hook: WebhookReceiver;
  addresses: Addresses;
  /** Flux's controllers; the caller starts and stops them. */
  flux: Partial<Record<FluxName, ServerProcess>>;
  /** The files of the repository as first committed. */
  files: Record<string, string>;
  resource(of: { apiVersion: string; kind: string }): Promise<ApiResource>;
  apply(object: KubeObject): Promise<KubeObject>;
  /** Starts our controller of that name, which takes its counterpart's addresses. */
  startOurs(name: FluxName, args?: string[]): Promise<Controllers>;
  stopOurs(name: FluxName): Promise<void>;
  stop(): Promise<void>;
}

/** The arguments that Flux's controllers have, too. */
function sharedArgs(name: FluxName, { storage, events, receiver }: Addresses): string[] {
  const own = {
    source: [`--storage-addr=${storage}`, `--storage-adv-addr=${storage}`],
    kustomize: [],
    helm: [],
    notification: [`--receiverAddr=${receiver}`],
  }[name];
  const eventsAddress = name === 'notification' ? events : `http://${events}/`;
  return ['--enable-leader-election', `--events-addr=${eventsAddress}`, ...own];
}

/** Puts one chart into the Helm repository, and one into the registry. */
async function publishCharts(charts: HelmServer, registry: Registry): Promise<void> {
  await charts.publish(cacheChart, queueChart);
  const { name, version } = queueChart;
  const type = 'application/vnd.cncf.helm';
  await registry.pushArtifact({
    repository: `charts/${name}`,
    tag: version,
    layers: [
      {
        mediaType: `${type}.chart.content.v1.tar+gzip`,
        data: charts.files.get(`charts/${name}-${version}.tgz`) as Buffer,
      },
    ],
    configMediaType: `${type}.config.v1+json`,
    config: JSON.stringify({ name, version, apiVersion: 'v2' }),
  });
}

/**
 * Starts everything but the controllers.
 *
 * @param flux which of Flux's controllers are needed
 */
export async function startMigrationWorld(flux: FluxName[]): Promise<MigrationWorld> {
  const started = new AsyncDisposableStack();
  const stop = () => started.disposeAsync();
  try {
    const folder = await temporaryFolder('migration');
    started.defer(() => folder.remove());
    const [controlPlane, git, charts, registry, hook] = await Promise.all([
      startControlPlane(),
      startGitServer(),
      startHelmServer(),
      startRegistry(),
      receiveWebhooks(),
    ]);
    started.defer(() => controlPlane.stop());
    started.defer(() => git.stop());
    started.defer(() => charts.stop());
    started.defer(() => registry.stop());
    started.defer(() => hook.close());
    const { kubeconfigPath } = controlPlane;
    const client = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
    started.defer(() => client.close());
    await Promise.all([installFluxCrds(client), publishCharts(charts, registry)]);
    const repo = await git.createRepo('fleet');
    const files = repositoryFiles({
      gitUrl: git.url('fleet'),
      chartsUrl: charts.url,
      ociUrl: registry.ociUrl,
    });
    await repo.commit({ files });
    const [storage, events, receiver] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`);
    const addresses = { storage, events, receiver } as Addresses;
    const o = { dir: folder.path, kubeconfigPath, addresses };
    const processes: MigrationWorld['flux'] = {};
    for (const name of flux) {
      const process = await fluxController(name, o);
      processes[name] = process;
      started.defer(() => process.stop());
    }
    const resource = (of: { apiVersion: string; kind: string }) =>
      client.mapper.resourceFor(gvkOf(of));
    const ours: Partial<Record<FluxName, Controllers>> = {};
    return {
      ...{ files, resource, client, controlPlane, git, repo, charts, hook, addresses, stop },
      dir: folder.path,
      flux: processes,
      async apply(object) {
        const options = { fieldManager: 'flux' };
        return (await client.apply(await resource(object), object, options)).object;
      },
      async startOurs(name, args = []) {
        const controller: ControllerName = `${name}-controller`;
        const controllers = await startControllers({
          ...o,
          natsUrl: '',
          namespace: 'flux-system',
          names: [controller],
          extraArgs: { [controller]: [...sharedArgs(name, addresses), ...args] },
        });
        started.defer(() => controllers.stop());
        ours[name] = controllers;
        return controllers;
      },
      stopOurs: async (name) => ours[name]?.stop(),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
