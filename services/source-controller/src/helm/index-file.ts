import type { PackResult } from '@sluice/shared/artifact';
import type { DigestAlgorithm } from '@sluice/shared/base';
import type { ChartIndex } from './index-charts.ts';
import { parseIndexFile } from './parse-index.ts';

/** Everything needed to read an index; plain data, so that a thread can do it. */
export interface IndexTask {
  operation: 'index';
  /** Path of the index as a repository sends it, in YAML or JSON. */
  source: string;
  /** Where the sorted index goes as JSON; nowhere when undefined. */
  store?: { destination: string; algorithm: DigestAlgorithm };
}

export interface ReadIndex {
  charts: ChartIndex;
  /** Undefined when it was not stored. */
  stored?: PackResult;
}

/**
 * Reads an index in the calling thread.
 *
 * @throws IndexError when it is refused
 */
export async function readIndex({ source, store }: IndexTask): Promise<ReadIndex> {
  const { head, charts } = await parseIndexFile(source);
  if (store === undefined) return { charts: charts.index };
  const stored = await charts.write(head, store.destination, store.algorithm);
  return { charts: charts.index, stored };
}
