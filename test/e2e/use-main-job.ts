import { afterAll, beforeAll } from 'vitest';
import { mainJob, type Progress, type Step } from './main-job.ts';
import { prepare } from './objects.ts';
import { type LocalWorld, startWorld } from './world.ts';

/** The main job in a world of its own, which starts before the tests of a block and ends after them. */
export function useMainJob(o: { natsDown?: boolean } = {}): {
  readonly world: LocalWorld;
  progress: Progress;
  steps: Step[];
} {
  let world: LocalWorld;
  const progress: Progress = { revisions: [], badRevision: '' };
  beforeAll(async () => {
    world = await startWorld(o);
    await prepare(world);
  });
  afterAll(() => world?.stop());
  return {
    get world() {
      return world;
    },
    progress,
    steps: mainJob(progress),
  };
}
