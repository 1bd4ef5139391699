import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { isNotFound } from '@sluice/shared/kube';
import {
  type HelmServer,
  type LoggingNode,
  type Registry,
  runHelm,
  startHelmServer,
  startLoggingNode,
  startRegistry,
  toolPath,
} from '@sluice/testing';
import { packageCharts } from '../../../tools/charts/package.ts';
import { type LocalWorld, startWorld } from '../world.ts';

/** The namespace that the flux program looks in unless told otherwise. */
export const fluxNamespace = 'flux-system';

/** What a run of the flux program left behind. */
export interface FluxResult {
  code: number;
  stdout: string;
  /** Standard output and standard error, one after the other. */
  text: string;
}

/** A world with an installed chart, a registry and a Helm repository, and the flux program looking at it. */
export interface CliWorld extends LocalWorld {
  registry: Registry;
  charts: HelmServer;
  node: LoggingNode;
  /** Runs the flux program; resolves whatever its exit code is. */
  run(...args: string[]): Promise<FluxResult>;
  /** Runs the flux program and returns what it printed; throws when it fails. */
  flux(...args: string[]): Promise<string>;
  /** The object as it is now; undefined when there is none. */
  find<T extends KubeObject = KubeObject>(
    of: { apiVersion: string; kind: string },
    key: { name: string; namespace?: string },
  ): Promise<T | undefined>;
  /** Writes files into a folder of their own; returns the folder. */
  folder(name: string, files: Record<string, string>): Promise<string>;
}

/** One thing that somebody does with the flux program, and what must follow. */
export interface CliStep {
  name: string;
  run(cli: CliWorld): Promise<void>;
}

/** Starts everything; `stop` ends all of it, also when a part failed to start. */
export async function startCliWorld(): Promise<CliWorld> {
  const started = new AsyncDisposableStack();
  const stop = () => started.disposeAsync();
  try {
    const world = await startWorld();
    started.defer(() => world.stop());
    const registry = await startRegistry();
    started.defer(() => registry.stop());
    const charts = await startHelmServer();
    started.defer(() => charts.stop());
    const node = await startLoggingNode(world.client, { name: 'fake-node', exists: true });
    started.defer(() => node.stop());
    await installChart(world);
    const run = fluxProgram(world);
    return {
      ...world,
      registry,
      charts,
      node,
      run,
      async flux(...args) {
        const { code, text } = await run(...args);
        if (code !== 0) throw new Error(`flux ${args.join(' ')}: exit code ${code}\n${text}`);
        return text;
      },
      async find<T extends KubeObject>(
        of: { apiVersion: string; kind: string },
        key: { name: string; namespace?: string },
      ) {
        try {
          return await world.client.get<T>(await world.resource(of), key);
        } catch (error) {
          if (isNotFound(error)) return undefined;
          throw error;
        }
      },
      async folder(name, files) {
        const dir = join(world.dir, 'folders', name);
        for (const [path, content] of Object.entries(files)) {
          await mkdir(dirname(join(dir, path)), { recursive: true });
          await writeFile(join(dir, path), content);
        }
        return dir;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The umbrella chart, so that what is looked for is what users have; its Pods are played by the fake node. */
async function installChart(world: LocalWorld): Promise<void> {
  const home = join(world.dir, 'install');
  const packages = await packageCharts({ helm: toolPath('helm'), dir: join(home, 'charts') });
  const values = ['installCRDs=false', 'nats.enabled=false'];
  const where = ['--namespace', fluxNamespace, '--create-namespace'];
  const kubeconfig = ['--kubeconfig', world.controlPlane.kubeconfigPath];
  const set = ['--set', values.join(',')];
  await runHelm(['install', 'sluice', packages.sluice, ...where, ...kubeconfig, ...set], home);
}

function fluxProgram(world: LocalWorld): CliWorld['run'] {
  const env = {
    KUBECONFIG: world.controlPlane.kubeconfigPath,
    HOME: join(world.dir, 'cli-home'),
    TMPDIR: world.dir,
    // `flux check` asks for the latest release; nobody answers at this address.
    HTTPS_PROXY: 'http://127.0.0.1:1',
    NO_PROXY: '127.0.0.1',
  };
  return (...args) =>
    new Promise((resolve) => {
      const options = { env, maxBuffer: 64 * 2 ** 20 };
      const child = execFile(toolPath('flux'), args, options, (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, stdout, text: stdout + stderr });
      });
      child.stdin?.end();
    });
}
