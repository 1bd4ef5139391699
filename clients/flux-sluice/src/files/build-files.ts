import { existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { errorMessage, parseYamlStream, printable } from '@sluice/shared/base';
import { CommandError, findProgram, runCommand } from '@sluice/shared/cli';
import { CliError } from '../errors.ts';
import type { Session } from '../session.ts';

const timeoutMs = 120_000;
const maxOutputBytes = 64 * 1024 * 1024;
/** What `flux build` puts in place of what SOPS has encrypted. */
const sopsMask = '**SOPS**';

/** What files become. */
export interface BuiltFiles {
  objects: KubeObject[];
  /** Secrets that are encrypted, of which nothing can be said. */
  encrypted: KubeObject[];
}

/**
 * Builds the files of a folder as a Kustomization of the cluster would, by the flux CLI: with its spec, its variables
 * and its labels. Nothing is written into the folder.
 *
 * @throws CliError when flux is not there or cannot build
 */
export async function buildFiles(
  session: Session,
  { metadata }: Kustomization,
  path: string,
): Promise<BuiltFiles> {
  const { kubeconfig } = session.invocation;
  // The first file, as everywhere else; flux would put all of them together.
  const [file] = (kubeconfig.path ?? session.env['KUBECONFIG'] ?? '').split(delimiter);
  const folder = await folderAt(path);
  const args = [
    'build',
    'kustomization',
    metadata.name,
    `--path=${folder}`,
    `--namespace=${metadata.namespace}`,
    '--in-memory-build',
    ...(file ? [`--kubeconfig=${resolve(file)}`] : []),
    ...(kubeconfig.context ? [`--context=${kubeconfig.context}`] : []),
  ];
  const text = await runFlux(session, { args, cwd: await rootOf(folder) });
  const documents = parseYamlStream(text, 'the output of flux build', { exactIntegers: true });
  const objects = documents.filter((one) => one !== null && one !== undefined) as KubeObject[];
  const encrypted = objects.filter(isEncrypted);
  return { objects: objects.filter((object) => !encrypted.includes(object)), encrypted };
}

async function folderAt(path: string): Promise<string> {
  try {
    const folder = await realpath(path);
    if ((await stat(folder)).isDirectory()) return folder;
  } catch (error) {
    throw new CliError(`--path '${path}' cannot be read: ${errorMessage(error)}`, { cause: error });
  }
  throw new CliError(`--path '${path}' is no folder`);
}

/** flux reads nothing above the folder that it runs in: the current one, or the repository of files elsewhere. */
async function rootOf(folder: string): Promise<string> {
  const current = await realpath('.');
  if (isBelow(folder, current)) return current;
  for (let root = folder; root !== dirname(root); root = dirname(root)) {
    if (existsSync(join(root, '.git'))) return root;
  }
  return folder;
}

function isBelow(folder: string, root: string): boolean {
  const path = relative(root, folder);
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

async function runFlux(
  { env }: Session,
  { args, cwd }: { args: string[]; cwd: string },
): Promise<string> {
  const file = findProgram('flux', env['PATH']);
  const given = Object.entries(env).filter(([, value]) => value !== undefined);
  try {
    const o = { file, args, cwd, timeoutMs, maxOutputBytes };
    const result = await runCommand({
      ...o,
      env: Object.fromEntries(given) as Record<string, string>,
    });
    if (result.exitCode === 0) return result.stdout;
    const why = result.timedOut ? `took more than ${timeoutMs / 1000} s` : result.stderr;
    throw new CliError(`flux build: ${printable(why)}`);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const message =
      error.code === 'not-found' ? 'flux is not on PATH, and builds the files' : error.message;
    throw new CliError(message, { cause: error });
  }
}

function isEncrypted(object: KubeObject): boolean {
  if (object.kind !== 'Secret') return false;
  const { data, stringData } = object as { data?: object | null; stringData?: object | null };
  const decoded = Object.values(data ?? {}).map((value) =>
    Buffer.from(String(value), 'base64').toString('utf8'),
  );
  return [...decoded, ...Object.values(stringData ?? {})].some((value) =>
    String(value).includes(sopsMask),
  );
}
