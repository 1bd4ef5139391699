import { availableParallelism } from 'node:os';
import { RetryableError, Semaphore } from '@sluice/shared/base';
import { createHome } from './home.ts';
import { type RunResult, runCommand } from './run.ts';
import type { RunCommand } from './spawner.ts';

/** Limit of the output of one build, in bytes. */
const maxBuildOutput = 64 * 1024 * 1024;

/** The kustomize program. */
export interface Kustomize {
  /**
   * Builds a directory with load restrictions off: the caller has made sure that it refers to nothing outside.
   *
   * @returns the objects as a YAML stream
   * @throws KustomizeError when kustomize refuses the input
   * @throws RetryableError BuildFailed when it takes longer than `timeoutMs`
   * @throws CommandError when the program is missing, stopped, or writes more than 64 MiB
   */
  build(dir: string, o: KustomizeBuildOptions): Promise<string>;
  /** The version, such as `v5.8.1`; part of the key of cached builds. */
  version(): Promise<string>;
}

/** One build. */
export interface KustomizeBuildOptions {
  timeoutMs: number;
  signal?: AbortSignal;
  /** Where remote bases may be put; without it nothing can be written at all. */
  scratchDir?: string;
}

/** A build that kustomize refused. */
export class KustomizeError extends Error {
  override name = 'KustomizeError';
}

/** How to run kustomize. */
export interface KustomizeOptions {
  /** Name or path of the program. */
  binary: string;
  /** Where an empty home directory is made. */
  tempDir: string;
  /** Builds at the same time; as many as there are processors when not given. */
  concurrency?: number;
  /** How the program is started; by this process itself when not given. */
  runCommand?: RunCommand;
  /** Search path for git, needed for remote bases; without it, none can be fetched by git. */
  path?: string;
}

function firstLines(text: string, dir: string): string {
  const lines = text
    .replaceAll(`${dir}/`, '')
    .replaceAll(dir, '.')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# Warning'));
  const message = lines.join('\n').replace(/^Error: /, '');
  return message.length > 2000 ? `${message.slice(0, 2000)}…` : message;
}

function check(result: RunResult, dir: string, timeoutMs: number): string {
  if (result.timedOut) {
    throw new RetryableError(
      'BuildFailed',
      `kustomize build took longer than ${timeoutMs} ms: raise spec.timeout or build less`,
    );
  }
  if (result.exitCode !== 0) {
    const what = firstLines(result.stderr, dir) || `exit code ${result.exitCode}`;
    throw new KustomizeError(`kustomize build failed: ${what}`);
  }
  return result.stdout;
}

/** Creates the door to the kustomize program; builds wait for a free processor. */
export function createKustomize(o: KustomizeOptions): Kustomize {
  const slots = new Semaphore(o.concurrency ?? availableParallelism());
  let home: Promise<string> | undefined;
  const run = async (args: string[], b: KustomizeBuildOptions) => {
    home ??= createHome(o.tempDir);
    const HOME = await home;
    const env = {
      HOME,
      TMPDIR: b.scratchDir ?? HOME,
      ...(o.path === undefined ? {} : { PATH: o.path }),
    };
    const { timeoutMs, signal } = b;
    const maxOutputBytes = maxBuildOutput;
    const command = { file: o.binary, args, cwd: HOME, env, timeoutMs, maxOutputBytes, signal };
    return (o.runCommand ?? runCommand)(command);
  };
  let version: Promise<string> | undefined;
  const readVersion = async () => {
    const result = await run(['version'], { timeoutMs: 10_000 });
    if (result.exitCode !== 0)
      throw new KustomizeError(`kustomize version failed: ${result.stderr}`);
    return result.stdout.trim();
  };
  return {
    build: (dir, options) =>
      slots.run(async () => {
        const args = ['build', '--load-restrictor', 'LoadRestrictionsNone', '--', dir];
        return check(await run(args, options), dir, options.timeoutMs);
      }),
    version: () => {
      version ??= readVersion().catch((error: unknown) => {
        version = undefined;
        throw error;
      });
      return version;
    },
  };
}
