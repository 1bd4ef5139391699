import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import {
  type Controllers,
  type ControlPlane,
  installCrds,
  type NatsServer,
  startControllers,
  startControlPlane,
  startNats,
  temporaryFolder,
} from '@sluice/testing';
import { openCluster } from '../world.ts';

const root = join(import.meta.dirname, '../../..');

/** A cluster with NATS and the controllers; everything that they keep is below one directory. */
export interface Installation {
  client: KubeClient;
  controlPlane: ControlPlane;
  nats: NatsServer;
  controllers: Controllers;
  /** Where the controllers keep their files, each below its name. */
  dir: string;
  resource(object: { apiVersion: string; kind: string }): Promise<ApiResource>;
  apply(object: KubeObject): Promise<KubeObject>;
  /** Ends everything and leaves no file. */
  destroy(): Promise<void>;
}

/** Installs into an empty cluster. */
export async function install(): Promise<Installation> {
  const started = new AsyncDisposableStack();
  const destroy = () => started.disposeAsync();
  try {
    const folder = await temporaryFolder('recovery');
    started.defer(() => folder.remove());
    const [controlPlane, nats] = await Promise.all([startControlPlane(), startNats()]);
    started.defer(() => controlPlane.stop());
    started.defer(() => nats.stop());
    await installCrds(root, controlPlane.kubeconfigPath);
    const cluster = openCluster(started, controlPlane, 'kubectl');
    const controllers = await startControllers({
      dir: folder.path,
      kubeconfigPath: controlPlane.kubeconfigPath,
      natsUrl: nats.url,
    });
    started.defer(() => controllers.stop());
    return { ...cluster, controlPlane, nats, controllers, dir: folder.path, destroy };
  } catch (error) {
    await destroy();
    throw error;
  }
}
