import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { shardLabel } from '@sluice/shared/api';
import { freePorts, ServerProcess, toolPath } from '@sluice/testing';

/**
 * Prepares Flux's source-watcher as a process that looks only at the ArtifactGenerators with a label; it is not started.
 *
 * @param o.dir for its artifacts and its log
 */
export async function fluxWatcher(o: {
  dir: string;
  kubeconfigPath: string;
  shard: string;
}): Promise<ServerProcess> {
  const [data, tmp] = [join(o.dir, 'data'), join(o.dir, 'tmp')];
  for (const folder of [data, tmp]) await mkdir(folder, { recursive: true });
  const [storage, health, metrics] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`);
  return new ServerProcess({
    file: toolPath('flux-source-watcher'),
    args: [
      `--watch-label-selector=${shardLabel}=${o.shard}`,
      `--storage-path=${data}`,
      `--storage-addr=${storage}`,
      `--storage-adv-addr=${storage}`,
      `--health-addr=${health}`,
      `--metrics-addr=${metrics}`,
      '--http-retry=1',
      '--requeue-dependency=1s',
      '--min-retry-delay=500ms',
    ],
    env: {
      PATH: '/usr/bin:/bin',
      HOME: o.dir,
      TMPDIR: tmp,
      KUBECONFIG: o.kubeconfigPath,
      RUNTIME_NAMESPACE: 'flux-system',
    },
    logFile: join(o.dir, 'log.jsonl'),
    isReady: async () => {
      try {
        return (await fetch(`http://${health}/readyz`)).ok;
      } catch {
        // Refused while the process starts: asked again until the time limit.
        return false;
      }
    },
  });
}
