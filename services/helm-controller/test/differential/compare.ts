/** A difference between two sides. */
export interface Mismatch {
  /** Where, such as `objects.ConfigMap/app.data.a`. */
  path: string;
  helm: unknown;
  ours: unknown;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Returns every place in which two JSON values differ; a field that is undefined is none. */
export function differences(helm: unknown, ours: unknown, path = ''): Mismatch[] {
  if (Object.is(helm, ours)) return [];
  const same = Array.isArray(helm) === Array.isArray(ours);
  if (!isContainer(helm) || !isContainer(ours) || !same) return [{ path, helm, ours }];
  const keys = new Set([...Object.keys(helm), ...Object.keys(ours)]);
  return [...keys].flatMap((key) => differences(helm[key], ours[key], `${path}.${key}`));
}

/** What was compared for one chart. */
export interface Row {
  name: string;
  steps: number;
  objects: number;
  releases: number;
  histories: number;
  failures: number;
  /** Differences on purpose. */
  intended: number;
  mismatches: number;
}

/** Writes the rows as a table with totals. */
export function tableOf(rows: readonly Row[]): string {
  const total = (key: Exclude<keyof Row, 'name'>) => rows.reduce((sum, row) => sum + row[key], 0);
  const columns = [
    'steps',
    'objects',
    'releases',
    'histories',
    'failures',
    'intended',
    'mismatches',
  ] as const;
  const lines = rows.map((row) => [row.name, ...columns.map((key) => String(row[key]))]);
  const all = [
    ['chart', ...columns],
    ...lines,
    [`${rows.length} charts`, ...columns.map((key) => String(total(key)))],
  ];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((line) => line[i]?.length ?? 0))) ?? [];
  return all
    .map((line) =>
      line.map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
      ),
    )
    .map((cells) => cells.join('  '))
    .join('\n');
}
