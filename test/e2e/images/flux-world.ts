import { join } from 'node:path';
import {
  controllerNames,
  installCrds,
  type PodNode,
  startControlPlane,
  startPodNode,
  temporaryFolder,
} from '@sluice/testing';
import type { BuiltImage } from '../../../tools/images/index.ts';
import { openCluster, type RunningControllers, startSurroundings, type World } from '../world.ts';
import { podImages } from './built-images.ts';
import { fluxObjects } from './flux-manifests.ts';

const root = join(import.meta.dirname, '../../..');
export const fluxNamespace = 'flux-system';

/** A world whose controllers are Pods of built images. */
export interface FluxWorld extends World {
  node: PodNode;
}

/** A cluster into which the images are installed in place of Flux's, with Flux's manifests and without NATS. */
export async function startFluxWorld(built: Record<string, BuiltImage>): Promise<FluxWorld> {
  const started = new AsyncDisposableStack();
  const stop = () => started.disposeAsync();
  try {
    const folder = await temporaryFolder('images');
    started.defer(() => folder.remove());
    const [controlPlane, surroundings] = await Promise.all([
      startControlPlane(),
      startSurroundings(started),
    ]);
    started.defer(() => controlPlane.stop());
    await installCrds(root, controlPlane.kubeconfigPath);
    const cluster = openCluster(started, controlPlane);
    const node = await startPodNode({
      controlPlane,
      dir: join(folder.path, 'node'),
      namespaces: [fluxNamespace],
      image: podImages(built, (reference) => {
        throw new Error(`there is no image ${reference}`);
      }),
    });
    started.defer(() => node.stop());
    for (const { url } of [surroundings.slack, surroundings.hmac, surroundings.alertmanager])
      await node.expose(Number(new URL(url).port));
    await node.expose(surroundings.git.port);
    const metadata = { name: fluxNamespace };
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata });
    for (const name of controllerNames) {
      const objects = fluxObjects(
        name,
        fluxNamespace,
        `registry.example.com/fluxcd/${name}:v2.9.4`,
      );
      for (const object of objects) await cluster.apply(object);
    }
    const controllers = await runningControllers(node);
    const reach = (url: string) => url.replace('127.0.0.1', node.hostAddress);
    const dir = folder.path;
    return { dir, ...cluster, ...surroundings, controlPlane, controllers, node, reach, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function runningControllers(node: PodNode): Promise<RunningControllers> {
  const processes = await Promise.all(
    controllerNames.map(async (name) => {
      const pod = await node.untilReady(fluxNamespace, { app: name });
      const metricsUrl = `http://${await pod.reach(8080)}/metrics`;
      return [name, { name, metricsUrl, pid: await pod.pid('manager') }] as const;
    }),
  );
  return {
    processes: Object.fromEntries(processes) as RunningControllers['processes'],
    receiverUrl: `http://${await node.reachService(fluxNamespace, 'webhook-receiver', 80)}`,
  };
}
