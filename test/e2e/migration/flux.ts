import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, ServerProcess, toolPath } from '@sluice/testing';

/** Where the Services of a cluster would lead to, whoever is behind them at the time. */
export interface Addresses {
  storage: string;
  events: string;
  receiver: string;
}

/** The controllers of Flux itself, built from its sources. */
export type FluxName = 'source' | 'kustomize' | 'helm' | 'notification';

/**
 * Prepares one of Flux's controllers as a process with the arguments of \`flux install\`; it is not started.
 *
 * @param o.addresses where source- and notification-controller are found, whoever they are at the time
 */
export async function fluxController(
  name: FluxName,
  o: { dir: string; kubeconfigPath: string; addresses: Addresses },
): Promise<ServerProcess> {
  const { addresses } = o;
  const dir = join(o.dir, `flux-${name}`);
  await mkdir(join(dir, 'tmp'), { recursive: true });
  const [health, metrics] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const specific = {
    source: [
      `--storage-path=${join(dir, 'data')}`,
      `--storage-addr=${addresses.storage}`,
      `--storage-adv-addr=${addresses.storage}`,
    ],
    kustomize: ['--requeue-dependency=2s'],
    helm: ['--requeue-dependency=2s'],
    notification: [`--receiverAddr=${addresses.receiver}`],
  }[name];
  await mkdir(join(dir, 'data'), { recursive: true });
  const events = name === 'notification' ? addresses.events : `http://${addresses.events}/`;
  // Its name is the field manager of some of its writes.
  const file = join(dir, `${name}-controller`);
  await symlink(toolPath(`flux-${name}-controller`), file);
  return new ServerProcess({
    file,
    args: [
      `--events-addr=${events}`,
      '--watch-all-namespaces=true',
      '--log-level=info',
      '--log-encoding=json',
      `--health-addr=${health}`,
      `--metrics-addr=${metrics}`,
      ...specific,
    ],
    env: {
      PATH: '/usr/bin:/bin',
      HOME: dir,
      TMPDIR: join(dir, 'tmp'),
      KUBECONFIG: o.kubeconfigPath,
      RUNTIME_NAMESPACE: 'flux-system',
    },
    logFile: join(dir, 'log.jsonl'),
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
