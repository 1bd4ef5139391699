import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import {
  access,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from '../provision/build.ts';
import { provision } from '../provision/index.ts';
import { withLock } from '../provision/lock.ts';
import { type Buildah, createStore, type ImageConfig } from './buildah.ts';
import { imageRecipes } from './catalogue.ts';

const root = join(import.meta.dirname, '../..');
/** Sets of images that stay in the cache; a run may still use the one before. */
const keptSets = 2;
const inUseMs = 30 * 60_000;

/** An image that was built here. */
export interface BuiltImage {
  name: string;
  /** Directory with its files. It belongs to the cache: only read it. */
  rootfs: string;
  config: ImageConfig;
}

/**
 * Builds all images from their Containerfiles, or takes those that were built of the same sources before.
 *
 * @param onProgress told what is going on, one line at a time
 * @returns the images by name
 * @throws Error when the builder fails, with what it said; ask `cannotBuildImages` first
 */
export async function buildImages(
  env: Record<string, string | undefined>,
  onProgress: (line: string) => void,
): Promise<Record<string, BuiltImage>> {
  const programs = await provision([...new Set(imageRecipes.flatMap((each) => each.programs))]);
  const parent = join(cacheDir(env), '../images');
  const dir = join(parent, keyOf(Object.values(programs)));
  await mkdir(parent, { recursive: true });
  const onWait = () => onProgress('images: another process is building them, waiting');
  await withLock(
    join(parent, 'lock'),
    async () => {
      if (await exists(dir)) await utimes(dir, new Date(), new Date());
      else await buildInto(dir, { parent, programs, onProgress });
      await removeOldSets(parent);
    },
    { onWait },
  );
  return Object.fromEntries(
    await Promise.all(imageRecipes.map(async ({ name }) => [name, await read(dir, name)] as const)),
  );
}

async function read(dir: string, name: string): Promise<BuiltImage> {
  const config = JSON.parse(await readFile(join(dir, `${name}.json`), 'utf8'));
  return { name, rootfs: join(dir, name), config };
}

async function buildInto(
  dir: string,
  o: { parent: string; programs: Record<string, string>; onProgress: (line: string) => void },
): Promise<void> {
  const draft = `${dir}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(draft, 'cli/out'), { recursive: true });
  for (const [name, path] of Object.entries(o.programs))
    await copyFile(path, join(draft, 'cli/out', name));
  const store = await createStore(o.parent);
  try {
    await store.prepare();
    for (const { name } of imageRecipes) await buildOne(store, name, draft, o.onProgress);
  } finally {
    await store.remove();
  }
  await rm(join(draft, 'cli'), { recursive: true });
  await rename(draft, dir);
}

async function buildOne(
  store: Buildah,
  name: string,
  draft: string,
  onProgress: (line: string) => void,
): Promise<void> {
  const startedAt = Date.now();
  await store.build({ name, root, programs: join(draft, 'cli') });
  await writeFile(join(draft, `${name}.json`), JSON.stringify(await store.configOf(name)));
  await mkdir(join(draft, name));
  await store.extract(name, join(draft, name));
  onProgress(`image ${name}: built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

/** Everything that decides what the images hold: the build context, the Containerfiles, programs, Node, libraries. */
function keyOf(programs: string[]): string {
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8');
  const context = [...ignored.matchAll(/^!(.+)$/gm)].map(([, path]) => path as string);
  const hash = createHash('sha256').update(process.version).update(process.arch).update(ignored);
  for (const path of programs) hash.update(readFileSync(path));
  for (const path of [...context.flatMap(filesBelow).sort()])
    hash.update(path).update(readFileSync(join(root, path)));
  return hash.update(readFileSync('/var/lib/dpkg/status')).digest('hex').slice(0, 16);
}

function filesBelow(path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((file) => !/(^|\/)(test|node_modules|src\/testing)\//.test(file));
}

async function removeOldSets(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name !== 'lock');
  const sets = await Promise.all(
    names.map(async (name) => ({ name, usedAt: (await stat(join(parent, name))).mtimeMs })),
  );
  const old = sets.sort((a, b) => b.usedAt - a.usedAt).slice(keptSets);
  // A set that somebody may be using now stays for half an hour.
  for (const { name } of old.filter(({ usedAt }) => usedAt < Date.now() - inUseMs))
    await rm(join(parent, name), { recursive: true, force: true });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
