import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { Semaphore, yamlFromJson } from '@sluice/shared/base';
import { createHome } from './home.ts';
import { type RunResult, runCommand } from './run.ts';
import type { RunCommand } from './spawner.ts';

/** Limit of a release as Helm prints it, in bytes. Helm stores at most one MiB of it, compressed. */
const maxReleaseOutput = 64 * 1024 * 1024;

/** Memory that a rendering may take unless told, in bytes; Helm itself takes 45 MiB. */
const defaultMaxRssBytes = 512 * 1024 * 1024;

/**
 * Helm starts in two thirds of the CPU time with these. At its start a library of kubectl compresses and parses the
 * texts of its language, of which traditional Chinese has seven and English thousands; none is of a command of Helm.
 */
const fastStart = { LC_ALL: 'zh_TW.UTF-8', GOGC: '400', GOMAXPROCS: '1' };

/** The helm program. */
export interface Helm {
  /**
   * Renders the release that `helm install` or `helm upgrade` would create.
   *
   * @returns the release as Helm's JSON
   * @throws HelmError when Helm refuses the chart or the values, or takes longer than `timeoutMs`
   * @throws CommandError when the program is missing or stopped, takes too much memory, or writes more than 64 MiB
   */
  render(o: HelmRenderOptions): Promise<string>;
}

/** One rendering. */
export interface HelmRenderOptions {
  /** Name of the release. */
  name: string;
  namespace: string;
  /** Absolute path of the chart. */
  chartPath: string;
  /** Values of the user, as JSON. */
  values: string;
  /** Values in the syntax of `--set`, put over the others; they show in the list of processes. */
  set?: string[];
  /** URL at which the API server is asked for its kinds and for what templates look up. */
  apiServer: string;
  /** The release before, as Helm's JSON; makes it an upgrade. */
  previous?: string;
  /** Keep the values of the release before, as `--reuse-values`. */
  reuseValues?: boolean;
  /** Note in the release that it is applied on the server. */
  serverSideApply: boolean;
  skipSchemaValidation?: boolean;
  /** Let `getHostByName` in templates ask the DNS. */
  enableDns?: boolean;
  timeoutMs: number;
  signal?: AbortSignal;
}

/** A rendering that Helm refused; the message is Helm's, without our paths. */
export class HelmError extends Error {
  override name = 'HelmError';
}

/** How to run Helm. */
export interface HelmOptions {
  /** Name or path of the program. */
  binary: string;
  /** Where private directories are made; its path must hold no colon. */
  tempDir: string;
  /** Renderings at the same time; as many as there are processors when not given. */
  concurrency?: number;
  /** Memory that one rendering may take, in bytes. */
  maxRssBytes?: number;
  /** How the program is started; by this process itself when not given. */
  runCommand?: RunCommand;
}

function argumentsOf(o: HelmRenderOptions): string[] {
  const flags = [
    '--values=-',
    '--dry-run=server',
    '--output=json',
    `--server-side=${o.serverSideApply}`,
    ...(o.set ?? []).map((setting) => `--set=${setting}`),
  ];
  if (o.previous === undefined) flags.push('--skip-crds');
  else flags.push(o.reuseValues ? '--reuse-values' : '--reset-values');
  if (o.skipSchemaValidation) flags.push('--skip-schema-validation');
  if (o.enableDns) flags.push('--enable-dns');
  return [o.previous === undefined ? 'install' : 'upgrade', ...flags, '--', o.name, o.chartPath];
}

/** What Helm says of its failure, without the log lines before it. */
function failureText(stderr: string, o: HelmRenderOptions): string {
  const at = stderr.search(/^Error: /m);
  return (at < 0 ? stderr : stderr.slice(at))
    .replace(/^Error: (INSTALLATION FAILED: |UPGRADE FAILED: )?/, '')
    .replaceAll(o.apiServer, 'the API server')
    .replaceAll(o.chartPath, basename(o.chartPath))
    .trim();
}

function check(result: RunResult, o: HelmRenderOptions): string {
  if (result.timedOut) {
    throw new HelmError(
      `rendering the chart took longer than ${o.timeoutMs} ms: raise spec.timeout, or make its templates do less`,
    );
  }
  if (result.exitCode !== 0)
    throw new HelmError(failureText(result.stderr, o) || `helm ended with ${result.exitCode}`);
  return result.stdout;
}

/** A private directory with the release before, for the time of one rendering. */
async function storePrevious(tempDir: string, previous: string) {
  await mkdir(tempDir, { recursive: true, mode: 0o700 });
  const dir = await mkdtemp(join(tempDir, 'release-'));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const path = join(dir, 'previous.json');
    await writeFile(path, `[${yamlFromJson(previous)}]`, { mode: 0o600 });
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Creates the door to the helm program; renderings wait for a free processor.
 *
 * Helm runs with its storage in memory, which holds the release before: it then takes the API server for the kinds and
 * for lookups alone, and writes nothing.
 */
export function createHelm(o: HelmOptions): Helm {
  const slots = new Semaphore(o.concurrency ?? availableParallelism());
  const maxRssBytes = o.maxRssBytes ?? defaultMaxRssBytes;
  let home: Promise<string> | undefined;
  const run = async (r: HelmRenderOptions, previousPath: string): Promise<RunResult> => {
    home ??= createHome(o.tempDir);
    const HOME = await home;
    return (o.runCommand ?? runCommand)({
      file: o.binary,
      args: argumentsOf(r),
      input: yamlFromJson(r.values),
      cwd: HOME,
      env: {
        ...fastStart,
        GOMEMLIMIT: String(Math.floor(maxRssBytes * 0.75)),
        HOME,
        TMPDIR: HOME,
        // A place where nothing can be: answers about kinds are for one rendering.
        KUBECACHEDIR: '/dev/null/cache',
        HELM_NAMESPACE: r.namespace,
        HELM_KUBEAPISERVER: r.apiServer,
        HELM_DRIVER: 'memory',
        HELM_MEMORY_DRIVER_DATA: previousPath,
      },
      timeoutMs: r.timeoutMs,
      maxOutputBytes: maxReleaseOutput,
      maxRssBytes,
      signal: r.signal,
    });
  };
  return {
    render: (r) =>
      slots.run(async () => {
        if (r.previous === undefined) return check(await run(r, '/dev/null'), r);
        const previous = await storePrevious(o.tempDir, r.previous);
        try {
          return check(await run(r, previous.path), r);
        } finally {
          await previous.remove();
        }
      }),
  };
}
