import type { Values } from '../release/release.ts';
import type { ChartDescription, CrdFile } from './describe.ts';

interface Dependency {
  name?: unknown;
  alias?: unknown;
  condition?: unknown;
  tags?: unknown;
}

/** Values of one origin, and where in the values of the whole release they stand. */
interface Layer {
  prefix: string[];
  values: Values;
}

/** Where in the tree of charts we are. */
interface Scope {
  /** The first one that has a value decides. */
  layers: Layer[];
  /** Names of the charts on the way, without the outermost. */
  path: string[];
}

const globalKey = 'global';

function isTable(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Follows a path; `undefined` when it ends early, and the value it ended at when that is no table. */
function follow(values: Values, path: string[]): unknown {
  let value: unknown = values;
  for (const part of path) {
    if (!isTable(value)) return null;
    if (!Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

/** Finds the value at a path in the first layer that has one; null means that it was taken away. */
function valueAt(layers: Layer[], path: string[]): unknown {
  for (const { prefix, values } of layers) {
    if (!startsWith(path, prefix)) continue;
    const value = follow(values, path.slice(prefix.length));
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Globals of a chart are seen by the charts inside it, and win over theirs. */
function valueOrGlobalAt(layers: Layer[], path: string[]): unknown {
  const at = path.indexOf(globalKey);
  for (let depth = 0; depth < at; depth++) {
    const value = valueAt(layers, [...path.slice(0, depth), ...path.slice(at)]);
    if (value !== undefined) return value;
  }
  return valueAt(layers, path);
}

function startsWith(path: string[], prefix: string[]): boolean {
  return prefix.every((part, index) => path[index] === part);
}

function enabledByTags(tags: unknown, { layers, path }: Scope): boolean {
  if (!Array.isArray(tags)) return true;
  // Helm reads tags at the root of the values, and puts the defaults of each chart on the way there.
  const atRoot = layers
    .filter(({ prefix }) => startsWith(path, prefix))
    .map(({ values }) => ({ prefix: [], values }));
  const found = tags.map((tag) => valueAt(atRoot, ['tags', String(tag)]));
  return found.includes(true) || !found.includes(false);
}

function isEnabled({ condition, tags }: Dependency, scope: Scope): boolean {
  for (const part of typeof condition === 'string' ? condition.trim().split(',') : []) {
    if (part === '') continue;
    const value = valueOrGlobalAt(scope.layers, [...scope.path, ...part.split('.')]);
    if (typeof value === 'boolean') return value;
  }
  return enabledByTags(tags, scope);
}

/** The entries in which a chart lists one that is inside it. */
function entriesOf(parent: ChartDescription, child: ChartDescription): Dependency[] {
  const listed = parent.metadata['dependencies'];
  const dependencies = (Array.isArray(listed) ? listed : []) as Dependency[];
  return dependencies.filter((dependency) => dependency?.name === child.metadata.name);
}

function nameOf({ alias }: Dependency, child: ChartDescription): string {
  return typeof alias === 'string' && alias !== '' ? alias : child.metadata.name;
}

/** The names under which a chart takes part: those of the entries which the test passes, its own when not listed. */
function instancesOf(
  parent: ChartDescription,
  child: ChartDescription,
  test: (entry: Dependency) => boolean,
): string[] {
  const entries = entriesOf(parent, child);
  if (entries.length === 0) return [child.metadata.name];
  return entries.filter(test).map((entry) => nameOf(entry, child));
}

/** The default values of a chart and the charts inside it; those of an outer chart win. */
function defaultsOf(chart: ChartDescription, prefix: string[]): Layer[] {
  const inner = chart.subcharts.flatMap((child) =>
    instancesOf(chart, child, () => true).flatMap((name) => defaultsOf(child, [...prefix, name])),
  );
  return [{ prefix, values: chart.values }, ...inner];
}

function collect(chart: ChartDescription, where: string, scope: Scope): CrdFile[] {
  const own = chart.crds.map(({ path, content }) => ({ path: `${where}/${path}`, content }));
  const inner = chart.subcharts.flatMap((child) =>
    instancesOf(chart, child, (entry) => isEnabled(entry, scope)).flatMap((name) => {
      const below = { layers: scope.layers, path: [...scope.path, name] };
      return collect(child, `${where}/charts/${name}`, below);
    }),
  );
  return [...own, ...inner];
}

/**
 * Lists the files with CRDs of a chart and of the charts inside it, the chart's own first, without those of charts
 * that conditions or tags switch off.
 *
 * @param values of the user, without the chart's defaults
 * @returns paths start with the name of the chart, as `app/charts/database/crds/a.yaml`
 * @see https://helm.sh/docs/topics/charts/#tags-and-condition-fields-in-dependencies
 */
export function enabledCrds(chart: ChartDescription, values: Values): CrdFile[] {
  const layers = [{ prefix: [], values }, ...defaultsOf(chart, [])];
  return collect(chart, chart.metadata.name, { layers, path: [] });
}
