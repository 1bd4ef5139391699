import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { toolPath } from './tool-path.ts';

/** Where the Services of a cluster would lead to, whoever is behind them at the time. */
export interface Addresses {
  storage: string;
  /** Empty: events are not sent. */
  events: string;
  receiver: string;
}

/** The controllers of Flux itself, built from its sources. */
export type FluxName = 'source' | 'kustomize' | 'helm' | 'notification';

/**
 * Prepares one of Flux's controllers as a process with the arguments of `flux install`; it is not started.
 *
 * @param o.addresses where source- and notification-controller are found, whoever they are at the time
 * @param o.metrics where it tells its metrics; an address of its own when absent
 * @param o.args more arguments
 */
export async function fluxController(
  name: FluxName,
  o: {
    dir: string;
    kubeconfigPath: string;
    addresses: Addresses;
    metrics?: string;
    args?: string[];
  },
): Promise<ServerProcess> {
  const { addresses } = o;
  const dir = join(o.dir, `flux-${name}`);
  await mkdir(join(dir, 'tmp'), { recursive: true });
  const [health, free] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const metrics = o.metrics ?? free;
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
  const url = addresses.events === '' ? '' : `http://${addresses.events}/`;
  const events = name === 'notification' ? addresses.events : url;
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
      ...(o.args ?? []),
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
