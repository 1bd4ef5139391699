import { serveTasks } from '../../src/artifact/serve-tasks.ts';

/** What the tests of the pool have a thread do. */
export type PoolTask = { do: 'echo'; value: string } | { do: 'spin' } | { do: 'allocate' };

// The main file of a worker thread: it must act when loaded.
serveTasks<PoolTask>(async (task) => {
  if (task.do === 'echo') return task.value;
  const held: number[][] = [];
  for (;;) {
    if (task.do === 'allocate') held.push(new Array(100_000).fill(held.length));
  }
});
