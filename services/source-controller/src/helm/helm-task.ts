import { type IndexTask, readIndex } from './index-file.ts';
import { type InspectTask, inspectChart, type PackageTask, packageChart } from './package-chart.ts';

/** Work on charts and indexes that a thread can do. */
export type HelmTask = IndexTask | InspectTask | PackageTask;

/** Does the work in the calling thread. */
export async function runHelmTask(task: HelmTask): Promise<unknown> {
  switch (task.operation) {
    case 'index':
      return readIndex(task);
    case 'inspect':
      return inspectChart(task);
    case 'package':
      return packageChart(task);
  }
}
