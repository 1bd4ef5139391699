import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import {
  type AuditedRequest,
  auditedRequests,
  type ControllerName,
  controllerNames,
  type HelmServer,
  type PodNode,
  type Registry,
  startControlPlane,
  startHelmServer,
  startPodNode,
  startRegistry,
  temporaryFolder,
} from '@sluice/testing';
import { chartImages } from '../images/built-images.ts';
import { openCluster, type RunningControllers, startSurroundings, type World } from '../world.ts';
import {
  bundledImages,
  type Charts,
  installRelease,
  packCharts,
  untilAllReady,
  volumeFor,
} from './install.ts';

/** Where the tests install the umbrella; the CLI and dashboards look there. */
export const fluxNamespace = 'flux-system';

/** The API server takes only Pods that the strictest Pod Security Standard allows. */
const restrictedNamespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: fluxNamespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
} as KubeObject;

/** A world in which the controllers and NATS are the Pods that the charts make. */
export interface ChartWorld extends World {
  node: PodNode;
  charts: Charts;
  registry: Registry;
  helmServer: HelmServer;
  /** From the start of `helm install` to all probes answering, in milliseconds. */
  readyMs: number;
  /** What everybody has asked of the API server so far. */
  requests(): Promise<AuditedRequest[]>;
  /** Runs `helm upgrade --install` with a package of ours. */
  install(release: {
    name: string;
    namespace: string;
    chart: string;
    values?: object;
  }): Promise<void>;
}

export interface ChartWorldOptions {
  /** Values of the umbrella. */
  values?: object;
  /** Namespaces, besides that of the umbrella, whose Pods are to run. */
  namespaces?: string[];
}

/** Installs the umbrella in a new cluster, runs its Pods and waits until all are ready. */
export async function startChartWorld(o: ChartWorldOptions = {}): Promise<ChartWorld> {
  const started = new AsyncDisposableStack();
  const stop = () => started.disposeAsync();
  try {
    const folder = await temporaryFolder('charts');
    started.defer(() => folder.remove());
    const dir = folder.path;
    const [controlPlane, surroundings, registry, helmServer, image, charts] = await Promise.all([
      startControlPlane({ audit: true }),
      startSurroundings(started),
      startRegistry(),
      startHelmServer(),
      chartImages(() => bundledImages(join(dir, 'bundles'))),
      packCharts(join(dir, 'packages')),
    ]);
    started.defer(() => controlPlane.stop());
    started.defer(() => registry.stop());
    started.defer(() => helmServer.stop());
    const cluster = openCluster(started, controlPlane);
    const namespaces = [fluxNamespace, ...(o.namespaces ?? [])];
    const node = await startPodNode({ controlPlane, dir: join(dir, 'node'), namespaces, image });
    started.defer(() => node.stop());
    const { git, slack, hmac, alertmanager } = surroundings;
    const urls = [slack.url, hmac.url, alertmanager.url, helmServer.url, `http://${registry.host}`];
    const ports = [git.port, ...urls.map((url) => Number(new URL(url).port))];
    for (const port of ports) await node.expose(port);
    await cluster.apply(await volumeFor(join(dir, 'nats'), 'nats-0'));
    await cluster.apply(restrictedNamespace);
    const install: ChartWorld['install'] = (release) =>
      installRelease({ kubeconfigPath: controlPlane.kubeconfigPath, dir }, release);

    const since = Date.now();
    const chart = charts.sluice;
    await install({ name: 'sluice', namespace: fluxNamespace, chart, values: o.values ?? {} });
    await untilAllReady(node, fluxNamespace);
    const readyMs = Date.now() - since;
    return {
      dir,
      ...cluster,
      ...surroundings,
      controlPlane,
      node,
      charts,
      registry,
      helmServer,
      readyMs,
      controllers: await runningControllers(node),
      requests: () => auditedRequests(controlPlane.dir),
      reach: (url) => url.replace('127.0.0.1', node.hostAddress),
      install,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function runningControllers(node: PodNode): Promise<RunningControllers> {
  const processes: Partial<RunningControllers['processes']> = {};
  for (const name of controllerNames) {
    const pod = await node.untilReady(fluxNamespace, { app: name });
    processes[name] = {
      name,
      metricsUrl: `http://${await pod.reach(8080)}/metrics`,
      pid: await pod.pid('manager'),
    };
  }
  return {
    processes: processes as Record<ControllerName, RunningControllers['processes'][ControllerName]>,
    receiverUrl: `http://${await node.reachService(fluxNamespace, 'webhook-receiver', 80)}`,
  };
}
