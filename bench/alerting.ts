import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { type Bus, connectBus, streamsOwnedBy } from '@sluice/shared/bus';
import { createKubeClient, gvkOf, loadKubeConfig } from '@sluice/shared/kube';
import {
  type Controllers,
  installCrds,
  type NatsServer,
  startControllers,
  startControlPlane,
  startNats,
  temporaryFolder,
} from '@sluice/testing';
import { bundleService } from '../tools/bundle/bundle.ts';
import { nodeArgsOf } from './setup.ts';

const root = join(import.meta.dirname, '..');
export const namespace = 'alerts';

/** What benchmarks of alerts stand on: an API server, a NATS server as the charts have it, and a namespace. */
export interface Alerting {
  dir: string;
  nats: NatsServer;
  bus: Bus;
  /** Starts one more notification-controller, as images run it. */
  controller(extraArgs?: string[]): Promise<Controllers>;
  /** Makes a `generic` Provider of that name, and an Alert to it for some Kustomizations, all when not told. */
  alert(name: string, address: string, kustomizations?: string[]): Promise<void>;
}

/** Starts it, runs the benchmark, and stops all of it. */
export async function withAlerting(run: (alerting: Alerting) => Promise<void>): Promise<void> {
  const started = new AsyncDisposableStack();
  try {
    await run(await create(started));
  } finally {
    await started.disposeAsync();
  }
}

async function create(started: AsyncDisposableStack): Promise<Alerting> {
  await bundleService('notification-controller');
  const folder = await temporaryFolder('alerting');
  started.defer(() => folder.remove());
  const [controlPlane, nats] = await Promise.all([
    startControlPlane(),
    startNats({ syncAlways: true }),
  ]);
  started.defer(() => controlPlane.stop());
  started.defer(() => nats.stop());
  const { kubeconfigPath } = controlPlane;
  await installCrds(root, kubeconfigPath);
  const client = createKubeClient(loadKubeConfig({ path: kubeconfigPath }));
  started.defer(() => client.close());
  const apply = async (object: KubeObject) => {
    const resource = await client.mapper.resourceFor(gvkOf(object));
    await client.apply(resource, object, { fieldManager: 'bench', force: true });
  };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const bus = connectBus({
    url: nats.url,
    name: 'bench',
    owns: streamsOwnedBy('notification-controller'),
    logger: silentLogger,
  });
  started.defer(() => bus.close());
  await bus.ready();
  let count = 0;
  return {
    dir: folder.path,
    nats,
    bus,
    async controller(extraArgs = []) {
      const dir = join(folder.path, `replica-${count++}`);
      await mkdir(dir, { recursive: true });
      const controllers = await startControllers({
        dir,
        kubeconfigPath,
        natsUrl: nats.url,
        bundled: true,
        names: ['notification-controller'],
        nodeArgsOf,
        extraArgs: { 'notification-controller': extraArgs },
      });
      started.defer(() => controllers.stop());
      return controllers;
    },
    async alert(name, address, kustomizations = ['*']) {
      const metadata = { namespace, name };
      const apiVersion = 'notification.toolkit.fluxcd.io/v1beta3';
      const spec = { type: 'generic', address };
      await apply({ apiVersion, kind: 'Provider', metadata, spec } as KubeObject);
      const eventSources = kustomizations.map((of) => ({ kind: 'Kustomization', name: of }));
      const alertSpec = { providerRef: { name }, eventSources };
      await apply({ apiVersion, kind: 'Alert', metadata, spec: alertSpec } as KubeObject);
    },
  };
}
