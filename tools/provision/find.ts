import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ToolName } from './catalogue.ts';
import { recipeOf } from './catalogue.ts';

const versionTimeoutMs = 10_000;

/**
 * Whether what a tool prints as its version has the major and minor number of the pinned one.
 *
 * @param output everything the tool printed
 * @param pinned the wanted version, such as `v1.36.3`
 */
export function versionFits(output: string, pinned: string): boolean {
  const wanted = /^v?(\d+)\.(\d+)\./.exec(pinned);
  const found = /(?<![\w.])v?(\d+)\.(\d+)\.\d+/.exec(output);
  return wanted !== null && found !== null && wanted[1] === found[1] && wanted[2] === found[2];
}

/**
 * The first executable of that name in KUBEBUILDER_ASSETS or on PATH whose version fits.
 *
 * @param name the tool
 * @param pinned the wanted version; major and minor must be equal
 * @param env where PATH and KUBEBUILDER_ASSETS are read
 * @returns its path, or undefined when none fits
 */
export async function findInstalled(
  name: ToolName,
  pinned: string,
  env: Record<string, string | undefined>,
): Promise<string | undefined> {
  const folders = [env['KUBEBUILDER_ASSETS'], ...(env['PATH'] ?? '').split(delimiter)];
  for (const folder of new Set(folders)) {
    if (!folder) continue;
    const path = join(folder, name);
    if (!(await isExecutable(path))) continue;
    const output = await versionOutput(path, recipeOf(name).versionArgs);
    if (output !== undefined && versionFits(output, pinned)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What the tool prints about itself; undefined when it fails or does not answer in time. */
function versionOutput(path: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, args, { timeout: versionTimeoutMs }, (error, stdout, stderr) => {
      resolve(error ? undefined : `${stdout}\n${stderr}`);
    });
  });
}
