import { readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { WorkBudget } from '@sluice/shared/base';
import { CompositionError } from './composition-error.ts';
import { compileDoubleStar } from './double-star.ts';
import { compileExclude, type Excluded } from './exclude.ts';
import { isArchive, type Scratch, unpackInto } from './extract.ts';
import { isPattern, literalPrefix, matchFiles } from './match-files.ts';
import { mergeYaml } from './merge-yaml.ts';
import { baseName, joinPath, type SourceTree } from './source-tree.ts';
import type { StagedFile, StagedTree } from './staged-tree.ts';

/** An entry of `copy`, its captures replaced. */
export interface CopyOperation {
  from: string;
  to: string;
  exclude?: string[];
  strategy?: 'Overwrite' | 'Merge' | 'Extract';
}

/** With what a copy operation works. */
export interface CopyContext {
  /** By their aliases. */
  sources: ReadonlyMap<string, SourceTree>;
  target: StagedTree;
  /** Of matching patterns, for all operations together. */
  budget: WorkBudget;
  scratch: Scratch;
}

interface Copy extends CopyContext {
  tree: SourceTree;
  excluded: Excluded;
  strategy: NonNullable<CopyOperation['strategy']>;
}

/**
 * Carries out a copy operation, as `cp -r` would.
 *
 * @throws CompositionError that names the operation; BudgetError when it costs too much
 */
export async function copyFiles(operation: CopyOperation, context: CopyContext): Promise<void> {
  try {
    await copy(operation, context);
  } catch (error) {
    if (!(error instanceof CompositionError)) throw error;
    const { from, to } = operation;
    throw new CompositionError(`copy from '${from}' to '${to}': ${error.message}`, {
      cause: error,
    });
  }
}

async function copy(operation: CopyOperation, context: CopyContext): Promise<void> {
  const { alias, path } = sourceOf(operation.from);
  const to = destinationOf(operation.to);
  const tree = context.sources.get(alias);
  if (tree === undefined) throw new CompositionError(`spec.sources has no alias '${alias}'`);
  const { exclude = [], strategy = 'Overwrite' } = operation;
  const excluded = compileExclude(exclude, context.budget);
  const all = { ...context, tree, excluded, strategy };
  if (isPattern(path)) await copyMatches(all, path, to);
  else await copyPath(all, posix.normalize(path), to);
}

function sourceOf(from: string): { alias: string; path: string } {
  const [, alias, path] = /^@([^/]+)\/(.*)$/s.exec(from) ?? [];
  if (alias === undefined || path === undefined) {
    throw new CompositionError('from has to be @<alias>/<path>');
  }
  return { alias, path };
}

const root = '@artifact/';

function destinationOf(to: string): string {
  if (!to.startsWith(root)) throw new CompositionError(`to has to begin with ${root}`);
  return to.slice(root.length);
}

async function copyMatches(o: Copy, pattern: string, to: string): Promise<void> {
  const matches =
    o.strategy === 'Extract' ? archivesOf(o, pattern) : matchFiles(o.tree, pattern, o.budget);
  if (matches.length === 0) {
    throw new CompositionError('no files match: correct the path, or add them to the source');
  }
  const selected = literalPrefix(pattern);
  const left = matches.filter((path) => !o.excluded(path, selected));
  if (left.length === 0) throw new CompositionError('exclude leaves out all files that match');
  for (const path of left) {
    if (o.strategy !== 'Extract')
      copyEntry(o, path, { to: destinationIn(to, pattern, path), selected });
    else if (isArchive(path)) await unpackInto(o.target, { ...archiveAt(o, path), to }, o.scratch);
  }
}

/** Of a pattern for archives, `**` stands for any number of directories. */
function archivesOf({ tree, budget }: Copy, pattern: string): string[] {
  const matches = compileDoubleStar(posix.normalize(pattern), budget);
  return [...tree.files.keys()].filter((path) => matches(path)).sort();
}

/** What is below the directory of `<directory>/**` goes below the destination; other patterns keep the whole path. */
function destinationIn(to: string, pattern: string, path: string): string {
  const directory = pattern.endsWith('/**') ? pattern.slice(0, -2) : '';
  return joinPath(to, path.startsWith(directory) ? path.slice(directory.length) : path);
}

async function copyPath(o: Copy, normal: string, to: string): Promise<void> {
  const path = normal.replace(/\/$/, '').replace(/^\.$/, '');
  if (o.tree.directories.has(path)) {
    if (o.strategy === 'Extract') {
      throw new CompositionError('Extract takes archives, and this is a directory');
    }
    return copyEntry(o, path, { to: joinPath(to, baseName(path)), selected: path });
  }
  if (!o.tree.files.has(path)) throw new CompositionError(`the source has no '${path}'`);
  if (o.excluded(path, '')) return;
  if (o.strategy === 'Extract') {
    if (!isArchive(path)) throw new CompositionError('Extract takes archives: .tar.gz or .tgz');
    return unpackInto(o.target, { ...archiveAt(o, path), to }, o.scratch);
  }
  const isDirectory = to === '' || to.endsWith('/') || o.target.isDirectory(to);
  copyFile(o, path, isDirectory ? joinPath(to, baseName(path)) : to);
}

/** Copies a file, or a directory with all that is not left out. */
function copyEntry(
  o: Copy,
  path: string,
  { to, selected }: { to: string; selected: string },
): void {
  const names = o.tree.directories.get(path);
  if (names === undefined) {
    copyFile(o, path, to);
    return;
  }
  o.target.addDirectory(to);
  for (const name of names) {
    const child = joinPath(path, name);
    o.budget.take(1);
    if (o.excluded(child, selected)) continue;
    copyEntry(o, child, { to: joinPath(to, name), selected });
  }
}

function copyFile(o: Copy, path: string, to: string): void {
  const file = o.tree.files.get(path) as string;
  const { mode, size } = statSync(file);
  const there = o.strategy === 'Merge' ? o.target.file(to) : undefined;
  if (there === undefined) {
    o.target.addFile(to, { executable: (mode & 0o111) !== 0, size, content: file });
    return;
  }
  const content = mergeYaml(
    { path: to, content: contentOf(there) },
    { path, content: readFileSync(file) },
  );
  o.target.addFile(to, { executable: false, size: content.length, content });
}

function contentOf({ content }: StagedFile): Buffer {
  return typeof content === 'string' ? readFileSync(content) : content;
}

function archiveAt({ tree }: Copy, path: string): { path: string; file: string } {
  return { path, file: tree.files.get(path) as string };
}
