import { type FluxName, fluxController, freePorts, usageOf } from '@sluice/testing';
import {
  type Cost,
  type Measured,
  type MeasuredProcess,
  type ProcessCost,
  sumOfCosts,
} from './measure.ts';
import { type Bench, type BenchOptions, isAsked, withBench } from './setup.ts';

export interface StartOptions {
  /** More arguments of source-controller. */
  sourceArgs?: string[];
  /** As many at a time as by default, in place of those of the figures in the documentation. */
  defaultConcurrency?: boolean;
}

/** Controllers that run. */
export interface Started extends Measured {
  /** Base URL of the storage of artifacts. */
  artifactUrl: string;
}

export type ContestantName = 'Sluice' | 'Flux';

/** Who does the work of a benchmark in a cluster of its own. */
export interface Contestant {
  name: ContestantName;
  /** Starts the controllers, once. */
  start(o?: StartOptions): Promise<Started>;
}

/** As many at a time as the figures of Flux in the documentation were taken with. */
const concurrency: Record<string, string[]> = {
  'source-controller': ['--concurrent=10'],
  'kustomize-controller': ['--concurrent=20'],
  'helm-controller': ['--concurrent=10'],
};

function argsOf(name: string, o: StartOptions): string[] {
  const parallel = o.defaultConcurrency ? [] : (concurrency[name] ?? []);
  return [...parallel, ...(name === 'source-controller' ? (o.sourceArgs ?? []) : [])];
}

/** Starts Flux's own controllers, built from their modules, with the arguments of `flux install`. */
async function startFlux(bench: Bench, o: StartOptions): Promise<Started> {
  const names: FluxName[] = ['source', 'kustomize', 'helm'];
  const ports = (await freePorts(1 + names.length)).map((port) => `127.0.0.1:${port}`);
  const storage = ports.pop() ?? '';
  const processes: Record<string, MeasuredProcess> = {};
  for (const [at, short] of names.entries()) {
    const name = `${short}-controller`;
    const metrics = ports[at] ?? '';
    const server = await fluxController(short, {
      dir: bench.dir,
      kubeconfigPath: bench.controlPlane.kubeconfigPath,
      addresses: { storage, events: '', receiver: '' },
      metrics,
      args: argsOf(name, o),
    });
    await server.start();
    bench.defer(() => server.stop());
    processes[name] = {
      name,
      metricsUrl: `http://${metrics}/metrics`,
      get pid() {
        return server.pid;
      },
      usage: () => usageOf(server.pid),
    };
  }
  return { processes, artifactUrl: `http://${storage}` };
}

/**
 * Runs a benchmark with Sluice and, with `--flux`, once more with Flux's own controllers, each in a cluster of its own.
 *
 * @returns what each run has come to
 */
export async function withContestants<T>(
  run: (bench: Bench, contestant: Contestant) => Promise<T>,
  o: BenchOptions = {},
): Promise<Partial<Record<ContestantName, T>>> {
  const found: Partial<Record<ContestantName, T>> = {};
  found.Sluice = await withBench((bench) => {
    const start = (how: StartOptions = {}) =>
      bench.controllers(
        Object.fromEntries(Object.keys(concurrency).map((name) => [name, argsOf(name, how)])),
      );
    return run(bench, { name: 'Sluice', start });
  }, o);
  if (isAsked('flux'))
    found.Flux = await withBench((bench) => {
      const start = (how: StartOptions = {}) => startFlux(bench, how);
      return run(bench, { name: 'Flux', start });
    }, o);
  return found;
}

/** Prints how many times as much of everything Flux has needed, run by run, of the controllers that both have started. */
export function compareCosts(found: Partial<Record<ContestantName, Record<string, Cost>>>): void {
  for (const [title, ours] of Object.entries(found.Sluice ?? {})) {
    const theirs = found.Flux?.[title];
    if (theirs === undefined) continue;
    const both = Object.keys(ours.processes).filter((name) => name in theirs.processes);
    const [flux, sluice] = [sumOfCosts(theirs, both), sumOfCosts(ours, both)];
    const ratio = (of: keyof ProcessCost) =>
      `${(flux[of] / sluice[of]).toFixed(2)} (${flux[of].toFixed(1)} / ${sluice[of].toFixed(1)})`;
    console.log(
      `${title}: Flux / Sluice: wall ${(theirs.wallSeconds / ours.wallSeconds).toFixed(2)}; of ${both.join(', ')}: CPU seconds ${ratio('cpuSeconds')}, MiB of peak memory ${ratio('peakRssMiB')}, MiB of anonymous memory ${ratio('peakAnonymousMiB')}`,
    );
  }
}
