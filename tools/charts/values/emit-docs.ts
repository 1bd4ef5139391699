import { generatedMark } from '../../generate/generator.ts';
import { type ChartValues, controllerKeys } from './charts.ts';
import type { Value, ValueTree } from './node.ts';

interface Row {
  path: string;
  fallback: string;
  description: string;
}

function rowsOf(tree: ValueTree, prefix = ''): Row[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const path = `${prefix}${name}`;
    if (value.children) return rowsOf(value.children, `${path}.`);
    return [{ path, fallback: defaultOf(value), description: value.description }];
  });
}

function defaultOf({ default: fallback }: Value): string {
  if (fallback === '') return '';
  return `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
}

function cells({ path, fallback, description }: Row): string {
  return `| ${[`\`${path}\``, fallback, description].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function table(rows: Row[]): string {
  return ['| value | default | meaning |', '|---|---|---|', ...rows.map(cells)].join('\n');
}

function pick(tree: ValueTree, keep: (name: string) => boolean): ValueTree {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => keep(name)));
}

function pathsOf(tree: ValueTree): string[] {
  return rowsOf(tree).map(({ path }) => path);
}

/** Writes the reference of the values of all charts. */
export function valuesPage(charts: readonly ChartValues[]): string {
  const umbrella = charts.find(({ chart }) => chart === 'sluice')?.values ?? {};
  const controllers = charts.filter(({ chart }) => chart !== 'sluice');
  const isTop = (name: string) => !Object.hasOwn(controllerKeys, name) && name !== 'nats';
  const ofControllers = new Set(controllers.flatMap(({ values }) => pathsOf(values)));
  const top = rowsOf(pick(umbrella, isTop));
  const inUmbrella = (name: string) => name !== 'nats' && Object.hasOwn(umbrella, name);
  const own = controllers.map(({ chart, values }) => ({
    chart,
    rows: rowsOf(pick(values, (name) => !inUmbrella(name))),
  }));
  const [first] = own;
  const same = (row: Row) =>
    own.every(({ rows }) => rows.some((other) => cells(other) === cells(row)));
  const common = (first?.rows ?? []).filter(same);
  return `${[
    `<!-- ${generatedMark}; edit tools/charts/values instead. -->`,
    '# Values of the charts',
    'Every value of the charts with its default. Values that are not listed are refused by the schema of the chart. [Charts](charts.md) explains how they work together.',
    '## The whole installation',
    'At the top of the umbrella `sluice`. The chart of a single controller takes the same, and so does the group of a controller in the umbrella, where it wins over the top.',
    table(top.filter(({ path }) => ofControllers.has(path))),
    '## The umbrella alone',
    table(top.filter(({ path }) => !ofControllers.has(path))),
    '## NATS',
    'In the umbrella.',
    table(rowsOf(pick(umbrella, (name) => name === 'nats'))),
    '## Every controller',
    'In the chart of a controller, and in the umbrella below `sourceController`, `kustomizeController`, `helmController` and `notificationController`.',
    table(common),
    ...own.flatMap(({ chart, rows }) => [`## ${chart}`, table(rows.filter((row) => !same(row)))]),
  ].join('\n\n')}\n`;
}
