import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { createKubeClient, gvkOf, type KubeClient, loadKubeConfig } from '@sluice/shared/kube';
import {
  type Controllers,
  type ControllersOptions,
  type ControlPlane,
  controllerNames,
  type GitServer,
  installCrds,
  type NatsServer,
  type Registry,
  startControllers,
  startControlPlane,
  startGitServer,
  startNats,
  startRegistry,
  temporaryFolder,
} from '@sluice/testing';
import { bundleService } from '../tools/bundle/bundle.ts';
import { nodeEnvironment, nodeFlagsOf } from '../tools/bundle/node-flags.ts';

/** `--node-flags 'FLAGS'` replaces the flags of Node with which images run. */
const flags = argument('node-flags', '');
/** `--profile DIR` leaves a CPU profile of each controller there. */
const profileDir = argument('profile', '');
const root = join(import.meta.dirname, '..');

export interface Bench {
  dir: string;
  client: KubeClient;
  controlPlane: ControlPlane;
  nats: NatsServer;
  git: GitServer;
  registry: Registry;
  /** Starts the controllers, or those of some names, as bundles, as images run them. */
  controllers(
    extraArgs: ControllersOptions['extraArgs'],
    names?: ControllersOptions['names'],
  ): Promise<Controllers>;
  apply(objects: KubeObject[]): Promise<void>;
  /** Has something be stopped at the end. */
  defer(stop: () => Promise<void>): void;
}

export interface BenchOptions {
  /** The API server writes down each request; false when absent. */
  audit?: boolean;
}

/** Minutes after which a benchmark is given up. */
const limitMinutes = Number(argument('limit', '60'));

/**
 * Starts everything that a benchmark needs, runs it, and stops all of it.
 *
 * @throws Error when it takes longer than `--limit` says, in minutes
 */
export async function withBench<T>(
  run: (bench: Bench) => Promise<T>,
  o: BenchOptions = {},
): Promise<T> {
  const started = new AsyncDisposableStack();
  const over = Promise.withResolvers<never>();
  const giveUp = () => over.reject(new Error(`not done within ${limitMinutes} minutes (--limit)`));
  let timer: NodeJS.Timeout | undefined;
  try {
    const bench = await createBench(started, o);
    timer = setTimeout(giveUp, limitMinutes * 60_000);
    return await Promise.race([run(bench), over.promise]);
  } finally {
    clearTimeout(timer);
    await started.disposeAsync();
  }
}

/** What the benchmark itself calls itself in the audit log. */
export const benchAgent = 'sluice-bench';

async function createBench(started: AsyncDisposableStack, o: BenchOptions): Promise<Bench> {
  for (const name of controllerNames) await bundleService(name);
  const folder = await temporaryFolder('bench');
  started.defer(() => folder.remove());
  const [controlPlane, nats, git, registry] = await Promise.all([
    startControlPlane({ audit: o.audit ?? false }),
    startNats(),
    startGitServer(),
    startRegistry(),
  ]);
  started.defer(() => controlPlane.stop());
  started.defer(() => nats.stop());
  started.defer(() => git.stop());
  started.defer(() => registry.stop());
  await installCrds(root, controlPlane.kubeconfigPath);
  const config = loadKubeConfig({ path: controlPlane.kubeconfigPath });
  const client = createKubeClient(config, { userAgent: benchAgent });
  started.defer(() => client.close());
  return {
    dir: folder.path,
    client,
    controlPlane,
    nats,
    git,
    registry,
    async controllers(extraArgs, names) {
      const controllers = await startControllers({
        dir: folder.path,
        kubeconfigPath: controlPlane.kubeconfigPath,
        natsUrl: nats.url,
        bundled: true,
        nodeArgsOf,
        env: nodeEnvironment,
        extraArgs,
        ...(names && { names }),
      });
      started.defer(() => controllers.stop());
      return controllers;
    },
    defer: (stop) => started.defer(stop),
    async apply(objects) {
      await mapConcurrently(objects, 20, async (object) => {
        const resource = await client.mapper.resourceFor(gvkOf(object));
        await client.apply(resource, object, { fieldManager: 'bench', force: true });
      });
    },
  };
}

/** The p-th percentile of values, by the nearest-rank method. */
export function percentile(values: number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** The flags of Node with which a benchmark runs a controller. */
export function nodeArgsOf(controller: string): string[] {
  return [
    ...(flags === '' ? nodeFlagsOf(controller) : flags.split(' ').filter(Boolean)),
    ...(profileDir === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]),
  ];
}

/** Whether `--name` is among the arguments. */
export function isAsked(name: string): boolean {
  return process.argv.includes(`--${name}`);
}

/** Value of `--name=value` or `--name value` among the arguments. */
export function argument(name: string, fallback: string): string {
  const { argv } = process;
  const at = argv.findIndex((text) => text === `--${name}` || text.startsWith(`--${name}=`));
  if (at < 0) return fallback;
  const text = argv[at] as string;
  return text.includes('=') ? text.slice(text.indexOf('=') + 1) : (argv[at + 1] ?? fallback);
}
