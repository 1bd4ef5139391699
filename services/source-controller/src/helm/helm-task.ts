import { UnpackBudget } from './chart-files.ts';
import { type IndexTask, readIndex } from './index-file.ts';
import { type InspectTask, inspectChart, type PackageTask, packageChart } from './package-chart.ts';

/** Work on charts and indexes that a thread can do. */
export type HelmTask = IndexTask | InspectTask | PackageTask;

/**
 * Does the work in the calling thread.
 *
 * @param budget makes that of one chart; Helm's own limits when undefined
 */
export async function runHelmTask(
  task: HelmTask,
  budget: () => UnpackBudget = () => new UnpackBudget(),
): Promise<unknown> {
  switch (task.operation) {
    case 'index':
      return readIndex(task);
    case 'inspect':
      return inspectChart(task, budget());
    case 'package':
      return packageChart(task, budget);
  }
}
