import { type PackResult, packArtifact } from '@sluice/shared/artifact';
import { BudgetError, type DigestAlgorithm, WorkBudget } from '@sluice/shared/base';
import { CompositionError } from './composition-error.ts';
import { type CopyOperation, copyFiles } from './copy-files.ts';
import { Scratch } from './extract.ts';
import { readSourceTree } from './source-tree.ts';
import { StagedTree } from './staged-tree.ts';

/** An artifact to compose, and where to write it. */
export interface Composition {
  copy: CopyOperation[];
  destination: string;
}

/** Artifacts to compose of the same sources. */
export interface ComposeTask {
  /** Directories of the unpacked sources by their aliases. */
  sources: Record<string, string>;
  compositions: Composition[];
  /** A directory for whatever has to be unpacked; who gives it removes it. */
  scratchDir: string;
  algorithm: DigestAlgorithm;
  /** Most bytes that the files of one artifact may hold together. */
  maxBytes: number;
}

/** What became of a composition: its file, or why there is none. */
export type Composed = PackResult | { problem: string; isOverLimit: boolean };

const maxFiles = 100_000;
/** For all patterns of a task together. */
const maxSteps = 200_000_000;

/**
 * Composes artifacts and writes each to its destination. One that cannot be made does not keep the others from it.
 */
export async function compose(task: ComposeTask): Promise<Composed[]> {
  const sources = new Map(
    Object.entries(task.sources).map(([alias, dir]) => [alias, readSourceTree(dir)]),
  );
  const budget = new WorkBudget('matching the patterns of spec.artifacts with the files', maxSteps);
  const scratch = new Scratch(task.scratchDir);
  const composed: Composed[] = [];
  for (const { copy, destination } of task.compositions) {
    const target = new StagedTree({ maxBytes: task.maxBytes, maxFiles });
    try {
      for (const operation of copy) {
        await copyFiles(operation, { sources, target, budget, scratch });
      }
      const entries = target.entries();
      if (entries.length === 0) throw new CompositionError('nothing is copied: it would be empty');
      composed.push(await packArtifact(entries, destination, task));
    } catch (error) {
      if (!(error instanceof CompositionError || error instanceof BudgetError)) throw error;
      composed.push({ problem: error.message, isOverLimit: error instanceof BudgetError });
    }
  }
  return composed;
}
