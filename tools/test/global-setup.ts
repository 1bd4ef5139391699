import { join } from 'node:path';
import { installCrds, startControlPlane, startNats } from '@sluice/testing';
import { setup as provisionTools } from './e2e-setup.ts';

const root = join(import.meta.dirname, '..', '..');

/**
 * Starts one control plane and one NATS server for all `*.cluster.test.ts` files, or uses those named by
 * SLUICE_TEST_KUBECONFIG and SLUICE_TEST_NATS_URL, and applies the charts' CRDs.
 *
 * @returns what stops the servers that were started here
 */
export async function setup(): Promise<() => Promise<void>> {
  const { env } = process;
  await provisionTools();
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
  try {
    if (!env['SLUICE_TEST_KUBECONFIG']) {
      const controlPlane = await startControlPlane();
      stops.push(controlPlane.stop, async () => void delete env['SLUICE_TEST_KUBECONFIG']);
      env['SLUICE_TEST_KUBECONFIG'] = controlPlane.kubeconfigPath;
    }
    if (!env['SLUICE_TEST_NATS_URL']) {
      const nats = await startNats();
      stops.push(nats.stop, async () => void delete env['SLUICE_TEST_NATS_URL']);
      env['SLUICE_TEST_NATS_URL'] = nats.url;
    }
    await installCrds(root, env['SLUICE_TEST_KUBECONFIG']);
  } catch (error) {
    await stopAll();
    throw error;
  }
  return stopAll;
}
