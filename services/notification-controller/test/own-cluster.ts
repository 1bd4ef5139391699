import { join } from 'node:path';
import { createKubeClient, type KubeClient, loadKubeConfig } from '@sluice/shared/kube';
import { installCrds, startControlPlane } from '@sluice/testing';

/** A cluster in which nobody else's notification-controller sees what is there. */
export interface OwnCluster {
  client: KubeClient;
  kubeconfigPath: string;
  stop(): Promise<void>;
}

/** For tests of what any notification-controller of a cluster does, whichever NATS it has. */
export async function startOwnCluster(): Promise<OwnCluster> {
  const controlPlane = await startControlPlane();
  const { kubeconfigPath } = controlPlane;
  await installCrds(join(import.meta.dirname, '../../..'), kubeconfigPath);
  const client = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
  return {
    client,
    kubeconfigPath,
    async stop() {
      await client.close();
      await controlPlane.stop();
    },
  };
}
