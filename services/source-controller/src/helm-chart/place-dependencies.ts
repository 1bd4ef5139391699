import { ChartError } from '../helm/chart-error.ts';
import type { ChartDependency } from '../helm/metadata.ts';
import type { Addition, ChartSource } from '../helm/package-chart.ts';

/** A chart that another one needs, and where it was found. */
export interface FoundDependency {
  name: string;
  version: string;
  /** As the chart that needs it names the place. */
  repository: string;
  source: ChartSource;
}

/**
 * Gives charts their places below `charts/`. Helm tells charts of one name apart by their versions: each of them has a
 * place of its own, and those that are equal in both cannot be told apart.
 *
 * @param dependencies all that the chart names
 * @throws ChartError `DependencyBuildError` that names both of two that cannot be told apart
 */
export function placeDependencies(
  found: readonly FoundDependency[],
  dependencies: readonly ChartDependency[],
): Addition[] {
  const places = new Map<string, FoundDependency>();
  for (const one of found) {
    const place = placeOf(one, dependencies);
    const other = places.get(place);
    if (other !== undefined && other.repository !== one.repository) {
      throw new ChartError(
        'DependencyBuildError',
        `chart '${one.name}' of version '${one.version}' is needed from '${other.repository}' and from '${one.repository}', which cannot be told apart: give one another version`,
      );
    }
    places.set(place, one);
  }
  return [...places].map(([name, { source }]) => ({ name, source }));
}

/** Directories have the name of the chart alone where that is enough, as people lay them out. */
function placeOf(
  { name, version, source }: FoundDependency,
  dependencies: readonly ChartDependency[],
): string {
  const full = `${name}-${version}`;
  if (!('dir' in source)) return `${full}.tgz`;
  const alike = dependencies.filter((one) => one.name === name);
  const isAlone = new Set(alike.map((one) => `${one.version} ${one.repository}`)).size <= 1;
  return isAlone ? name : full;
}
