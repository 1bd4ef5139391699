import { type ComposeTask, compose } from './compose.ts';
import { type FindTask, findDirectories } from './find-directories.ts';

/** Work on sources, as a thread can do it. */
export type CompositionTask =
  | ({ operation: 'compose' } & ComposeTask)
  | ({ operation: 'find' } & FindTask);

/** Does the work in the calling thread. */
export async function runCompositionTask(task: CompositionTask): Promise<unknown> {
  return task.operation === 'compose' ? compose(task) : findDirectories(task);
}
