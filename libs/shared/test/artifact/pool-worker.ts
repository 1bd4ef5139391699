import { readFileSync } from 'node:fs';
import { serveTasks } from '../../src/artifact/serve-tasks.ts';

/** What the tests of the pool have a thread do. */
export type PoolTask =
  | { do: 'echo'; value: string }
  | { do: 'spin' }
  | { do: 'allocate' }
  | { do: 'tell its niceness' };

/** As the system knows it, of this thread. */
function niceness(): number {
  const stat = readFileSync('/proc/thread-self/stat', 'utf8');
  // The fields after the name, which may hold anything, from the third on.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
}

// The main file of a worker thread: it must act when loaded.
serveTasks<PoolTask>(async (task) => {
  if (task.do === 'echo') return task.value;
  if (task.do === 'tell its niceness') return niceness();
  const held: number[][] = [];
  for (;;) {
    if (task.do === 'allocate') held.push(new Array(100_000).fill(held.length));
  }
});
