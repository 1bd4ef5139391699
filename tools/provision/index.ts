import { existsSync } from 'node:fs';
import { buildTool, cachedPath } from './build.ts';
import { pinnedVersion, recipeOf, type ToolName } from './catalogue.ts';
import { findInstalled } from './find.ts';

export { isToolName, pinnedVersion, type ToolName, toolNames } from './catalogue.ts';
export { provisionNpmTools } from './npm-tools.ts';

export interface ProvisionOptions {
  /** Told what is going on; prints to stderr when absent. */
  onProgress?: (line: string) => void;
  /** Environment that is read and handed to the Go command; the process's own when absent. */
  env?: Record<string, string | undefined>;
}

/**
 * Makes tools available: an installed one when its version fits, else one built from its pinned module.
 *
 * Safe to call from several processes at once: a build is done once and the others wait for it.
 *
 * @param names only these are looked for or built
 * @returns the path of each tool by name
 * @throws Error naming the tool and what to install when there is neither a binary nor Go
 */
export async function provision<Name extends ToolName>(
  names: readonly Name[],
  options: ProvisionOptions = {},
): Promise<Record<Name, string>> {
  const env = options.env ?? process.env;
  const onProgress = options.onProgress ?? ((line) => process.stderr.write(`${line}\n`));
  const paths: Partial<Record<Name, string>> = {};
  // One after the other: the Go command already uses every core.
  for (const name of names) {
    const installed = recipeOf(name).own
      ? undefined
      : await findInstalled(name, pinnedVersion(name), env);
    paths[name] = installed ?? (await buildTool(name, { env, onProgress }));
  }
  return paths as Record<Name, string>;
}

/**
 * Finds tools that are there already; none is built.
 *
 * @returns the path of each that was found, by name
 */
export async function findProvisioned(
  names: readonly ToolName[],
  env: Record<string, string | undefined> = process.env,
): Promise<Partial<Record<ToolName, string>>> {
  const paths: Partial<Record<ToolName, string>> = {};
  for (const name of names) {
    const built = await cachedPath(name, env);
    const path = existsSync(built) ? built : await findInstalled(name, pinnedVersion(name), env);
    if (path !== undefined) paths[name] = path;
  }
  return paths;
}

export { cachedPath };
