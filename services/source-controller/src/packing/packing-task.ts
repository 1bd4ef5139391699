import { type PackFilesTask, packFiles } from '../bucket/pack-files.ts';
import { type FindSubmodulesTask, findSubmodules } from '../git-repository/find-submodules.ts';
import { type PackTreeTask, packTree } from '../git-repository/pack-tree.ts';
import { extractLayer, type LayerTask } from '../oci-repository/write-layer.ts';

/** Making an artifact, or a part of that, as a thread can do it. */
export type PackingTask =
  | ({ operation: 'tree' } & PackTreeTask)
  | ({ operation: 'submodules' } & FindSubmodulesTask)
  | ({ operation: 'files' } & PackFilesTask)
  | ({ operation: 'layer' } & LayerTask);

/** Does the work in the calling thread. */
export async function runPackingTask(task: PackingTask): Promise<unknown> {
  if (task.operation === 'tree') return packTree(task);
  if (task.operation === 'submodules') return findSubmodules(task);
  return task.operation === 'files' ? packFiles(task) : extractLayer(task);
}
