import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '@sluice/testing';
import type { StartOptions } from './options.ts';

export interface Cluster {
  kubeconfigPath: string;
  context?: string;
  /** True when it is gone with this command, so that nothing in it needs to be removed. */
  local: boolean;
  stop(): Promise<void>;
}

/** The cluster of `--context`, or a control plane of our own on the loopback address. */
export async function openCluster(options: StartOptions): Promise<Cluster> {
  if (options.context !== '') {
    return {
      kubeconfigPath:
        options.kubeconfig === '' ? join(homedir(), '.kube', 'config') : options.kubeconfig,
      context: options.context,
      local: false,
      stop: async () => {},
    };
  }
  const controlPlane: ControlPlane = await startControlPlane();
  return {
    kubeconfigPath: controlPlane.kubeconfigPath,
    local: true,
    stop: () => controlPlane.stop(),
  };
}
