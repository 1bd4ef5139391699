import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from './build.ts';
import { withLock } from './lock.ts';

type Env = Record<string, string | undefined>;

/** Servers of tests from the npm registry, which depend on too much for the lock file of this repository. */
export const npmTools = {
  /** Storage accounts of Azure. */
  azurite: { main: 'node_modules/azurite/dist/src/blob/main.js', variable: 'SLUICE_AZURITE' },
};

export type NpmTool = keyof typeof npmTools;

const names = Object.keys(npmTools) as NpmTool[];
const pinsDir = join(import.meta.dirname, '..', 'npm');
const installTimeoutMs = 10 * 60_000;

/**
 * Makes those available that are there, and those whose variable is `required`.
 *
 * @returns the file that Node runs, by name
 * @throws Error when npm cannot install
 */
export async function provisionNpmTools(env: Env): Promise<Partial<Record<NpmTool, string>>> {
  const paths: Partial<Record<NpmTool, string>> = {};
  for (const name of names) {
    const { main, variable } = npmTools[name];
    const dir = await folderOf(name, env);
    if (env[variable] === 'required') await install(name, dir, env);
    if (existsSync(dir)) paths[name] = join(dir, main);
  }
  return paths;
}

/** The key covers everything that decides what is installed. */
async function folderOf(name: NpmTool, env: Env): Promise<string> {
  const lock = await readFile(join(pinsDir, name, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  return join(cacheDir(env), `${name}-${digest}`);
}

async function install(name: NpmTool, dir: string, env: Env): Promise<void> {
  if (existsSync(dir)) return;
  await mkdir(join(dir, '..'), { recursive: true });
  await withLock(`${dir}.lock`, async () => {
    if (existsSync(dir)) return;
    const draft = `${dir}.${randomUUID()}`;
    try {
      await mkdir(draft);
      for (const file of ['package.json', 'package-lock.json']) {
        await copyFile(join(pinsDir, name, file), join(draft, file));
      }
      const args = ['ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'];
      await promisify(execFile)('npm', args, { cwd: draft, env, timeout: installTimeoutMs });
      await rename(draft, dir);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  });
}
