import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileCacheEnvironment } from './compile-cache.ts';
import { localNetworkFlags } from './local-network.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { toolPath } from './tool-path.ts';
import { type Usage, usageOf } from './usage.ts';

const root = join(import.meta.dirname, '../../..');

export const controllerNames = [
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'notification-controller',
] as const;
export type ControllerName = (typeof controllerNames)[number];
/** Those too that are started only when they are named. */
export type ProgramName = ControllerName | 'source-watcher';

export interface ControllersOptions {
  /** Where each controller keeps its files and its log. */
  dir: string;
  kubeconfigPath: string;
  /** The context of the kubeconfig; its current one when absent. */
  context?: string;
  /** Empty: the controllers run without NATS. */
  natsUrl: string;
  /** First token of the NATS subjects, so that test runs can share a server. */
  natsPrefix?: string;
  /** {@link controllerNames} when absent. */
  names?: readonly ProgramName[];
  /** Runs dist/<name>/main.mjs, as images do, instead of the sources. */
  bundled?: boolean;
  /** Namespace in which they believe to run; `sluice-system` when absent. */
  namespace?: string;
  /** Flags of Node itself, such as `--cpu-prof`, for a program. */
  nodeArgsOf?: (program: ProgramName) => readonly string[];
  /** Variables of the environment besides those that all have. */
  env?: Record<string, string>;
  /** These do without NATS: they post events to notification-controller, or keep them on its disk. */
  withoutNats?: readonly ProgramName[];
  /** False: the servers of this machine are out of reach for what objects name, as in a cluster. */
  localNetwork?: boolean;
  /** More flags for each controller. */
  extraArgs?: Partial<Record<ProgramName, string[]>>;
}

/** A controller as a process of its own; it can be killed and started again on the same ports. */
export class ControllerProcess {
  readonly name: ProgramName;
  readonly logFile: string;
  readonly metricsUrl: string;
  readonly #server: ServerProcess;

  constructor(o: {
    name: ProgramName;
    logFile: string;
    metricsUrl: string;
    server: ServerProcess;
  }) {
    this.name = o.name;
    this.logFile = o.logFile;
    this.metricsUrl = o.metricsUrl;
    this.#server = o.server;
  }

  get pid(): number | undefined {
    return this.#server.pid;
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop(15_000);
  }

  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** What the present process has used; zeros when it does not run. */
  usage(): Promise<Usage> {
    return usageOf(this.#server.pid);
  }

  /** The lines of its log so far, parsed; lines that are not JSON are left out. */
  async log(): Promise<Record<string, unknown>[]> {
    const text = await readFile(this.logFile, 'utf8');
    return text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** Those that were started, by their names. */
export type Processes = Record<ControllerName, ControllerProcess> & {
  'source-watcher'?: ControllerProcess;
};

export interface Controllers {
  processes: Processes;
  /** Base URL of the webhook receivers. */
  receiverUrl: string;
  /** Base URL of the HTTP event path. */
  eventsUrl: string;
  /** Base URL of the artifact server. */
  artifactUrl: string;
  /** Ends all of them; what one of them cannot end in 15 s is killed. */
  stop(): Promise<void>;
}

/**
 * Starts controllers as separate processes on free loopback ports and waits until each is ready.
 *
 * @throws Error with the end of the log when one does not get ready; the others are stopped then
 */
export async function startControllers(o: ControllersOptions): Promise<Controllers> {
  const names = o.names ?? controllerNames;
  const [storage, watcher, events, receiver, ...others] = (
    await freePorts(4 + 2 * names.length)
  ).map((port) => `127.0.0.1:${port}`);
  const processes: Partial<Record<ProgramName, ControllerProcess>> = {};
  for (const name of names) {
    const dir = join(o.dir, name);
    await mkdir(join(dir, 'tmp'), { recursive: true });
    processes[name] = createProcess(name, dir, o, {
      health: others.pop() as string,
      metrics: others.pop() as string,
      specific: [
        ...specificArgs(name, { dir, storage, watcher, events, receiver }),
        ...eventArgs(name, o, events),
      ],
    });
  }
  const running = Object.values(processes);
  const stop = async () => {
    await Promise.all(running.map((controller) => controller.stop()));
  };
  try {
    await Promise.all(running.map((controller) => controller.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    processes: processes as Processes,
    receiverUrl: `http://${receiver}`,
    eventsUrl: `http://${events}`,
    artifactUrl: `http://${storage}`,
    stop,
  };
}

function eventArgs(name: ProgramName, o: ControllersOptions, events?: string): string[] {
  const prefix = o.natsPrefix === undefined ? [] : [`--nats-prefix=${o.natsPrefix}`];
  if (!o.withoutNats?.includes(name)) return [`--nats-url=${o.natsUrl}`, ...prefix];
  return name === 'notification-controller' ? [] : [`--events-addr=http://${events}/`];
}

function specificArgs(
  name: ProgramName,
  at: { dir: string; storage?: string; watcher?: string; events?: string; receiver?: string },
): string[] {
  switch (name) {
    case 'source-controller':
      return [
        `--storage-path=${join(at.dir, 'data')}`,
        `--storage-addr=${at.storage}`,
        `--storage-adv-addr=${at.storage}`,
        `--notation-verifier=${toolPath('notation-verifier')}`,
      ];
    case 'source-watcher':
      return [
        `--storage-path=${join(at.dir, 'data')}`,
        `--storage-addr=${at.watcher}`,
        `--storage-adv-addr=${at.watcher}`,
        `--work-path=${join(at.dir, 'work')}`,
      ];
    case 'kustomize-controller':
      return [
        `--kustomize-builder=${toolPath('kustomize-builder')}`,
        `--work-path=${join(at.dir, 'work')}`,
      ];
    case 'helm-controller':
      return [
        `--kustomize-builder=${toolPath('kustomize-builder')}`,
        `--helm-renderer=${toolPath('helm-renderer')}`,
        `--work-path=${join(at.dir, 'work')}`,
      ];
    case 'notification-controller':
      return [`--events-addr=${at.events}`, `--receiverAddr=${at.receiver}`];
  }
}

function createProcess(
  name: ProgramName,
  dir: string,
  o: ControllersOptions,
  at: { health: string; metrics: string; specific: string[] },
): ControllerProcess {
  const entry = o.bundled
    ? join(root, 'dist', name, 'main.mjs')
    : join(root, 'services', name, 'src/main.ts');
  if (!existsSync(entry)) throw new Error(`${entry} is missing: run \`npm run build\` first`);
  const logFile = join(dir, 'log.jsonl');
  const server = new ServerProcess({
    file: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      ...(o.nodeArgsOf?.(name) ?? []),
      entry,
      `--kubeconfig=${o.kubeconfigPath}`,
      ...(o.context === undefined ? [] : [`--kube-context=${o.context}`]),
      `--outbox-path=${join(dir, 'outbox')}`,
      `--health-addr=${at.health}`,
      `--metrics-addr=${at.metrics}`,
      ...(o.localNetwork === false ? [] : localNetworkFlags),
      ...at.specific,
      ...(o.extraArgs?.[name] ?? []),
    ],
    logFile,
    env: {
      PATH: '/usr/bin:/bin',
      HOME: dir,
      TMPDIR: join(dir, 'tmp'),
      RUNTIME_NAMESPACE: o.namespace ?? 'sluice-system',
      ...compileCacheEnvironment(),
      ...o.env,
    },
    isReady: () => answers(`http://${at.health}/readyz`),
  });
  return new ControllerProcess({
    name,
    logFile,
    metricsUrl: `http://${at.metrics}/metrics`,
    server,
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    // Refused while the process starts: asked again until the time limit.
    return false;
  }
}
