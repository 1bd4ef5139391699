import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readArchive } from '@sluice/shared/artifact';
import { onTestFinished } from 'vitest';
import { type Composed, type ComposeTask, compose } from '../src/composition/compose.ts';
import type { CopyOperation } from '../src/composition/copy-files.ts';

export type Files = Record<string, string | Buffer>;

/** A directory that is removed when the test ends. */
export async function temporary(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'composition-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** An unpacked source; files whose name ends in `.sh` can be run. */
export async function sourceOf(files: Files): Promise<string> {
  const dir = await temporary();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
    if (path.endsWith('.sh')) await chmod(join(dir, path), 0o755);
  }
  return dir;
}

/** Composes one artifact of sources. */
export async function composeOne(
  sources: Record<string, Files>,
  copy: CopyOperation[],
  limits: Partial<ComposeTask> = {},
): Promise<{ composed: Composed; destination: string }> {
  const dir = await temporary();
  const dirs: Record<string, string> = {};
  for (const [alias, files] of Object.entries(sources)) dirs[alias] = await sourceOf(files);
  const destination = join(dir, 'artifact.tar.gz');
  const [composed] = await compose({
    sources: dirs,
    compositions: [{ copy, destination }],
    scratchDir: join(dir, 'scratch'),
    algorithm: 'sha256',
    maxBytes: 1024 * 1024,
    ...limits,
  });
  if (composed === undefined) throw new Error('nothing was composed');
  return { composed, destination };
}

/** The files of an artifact that is composed, by their paths. */
export async function filesOf(
  sources: Record<string, Files>,
  ...copy: CopyOperation[]
): Promise<Record<string, string>> {
  const { composed, destination } = await composeOne(sources, copy);
  if ('problem' in composed) throw new Error(composed.problem);
  const files = readArchive(await readFile(destination)) ?? [];
  return Object.fromEntries(files.map((file) => [file.path, file.content.toString('utf8')]));
}

/** Why an artifact cannot be composed. */
export async function problemOf(
  sources: Record<string, Files>,
  copy: CopyOperation[],
  limits: Partial<ComposeTask> = {},
): Promise<string> {
  const { composed } = await composeOne(sources, copy, limits);
  return 'problem' in composed ? composed.problem : `no problem: ${composed.digest}`;
}
