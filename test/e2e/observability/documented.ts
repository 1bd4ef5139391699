import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { controllerNames, type ProgramName } from '@sluice/testing';

/** A row of docs/metrics.md. */
export interface DocumentedMetric {
  name: string;
  labels: string[];
  type: string;
  controllers: readonly ProgramName[];
}

const page = join(import.meta.dirname, '../../../docs/metrics.md');
const row = /^\| `(\w+)(?:\{([\w,]+)\})?` \| (\w+) \| ([\w, ]+) \|/gm;

/** Reads the tables of docs/metrics.md, whose rows are metric, type, controllers and meaning. */
export async function documentedMetrics(): Promise<DocumentedMetric[]> {
  const text = await readFile(page, 'utf8');
  return [...text.matchAll(row)].map(([, name = '', labels = '', type = '', of = '']) => ({
    name,
    type,
    labels: labels === '' ? [] : labels.split(','),
    controllers:
      of === 'all'
        ? [...controllerNames, 'source-watcher']
        : of.split(', ').map((short) => `${short}-controller` as ProgramName),
  }));
}
