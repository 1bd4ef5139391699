import { startChangeStory, storyOperations } from '@sluice/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, startBed } from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

test.each([1, 2])(
  'nothing is ever applied that was not approved, whatever happens in which order (seed %i)',
  async (seed) => {
    const story = await startChangeStory(
      {
        bed,
        kind: 'Kustomization',
        publish: (name, revision, objects) => {
          const files = Object.entries(objects).map(([one, v]) => [
            `${one}.yaml`,
            configMap(one, { v }),
          ]);
          return bed.publish(Object.fromEntries(files), revision, name);
        },
        spec: (name) => ({ sourceRef: { kind: 'ExternalArtifact' as const, name } }),
        hasApplied: ({ status }, revision) => status?.lastAppliedRevision === revision,
      },
      `story-${seed}`,
    );
    const steps = fc.sample(fc.constantFrom(...storyOperations), { seed, numRuns: 40 });
    for (const step of ['commit' as const, ...steps, 'open the window' as const]) {
      await story.run(step);
      expect(story.violations(), step).toEqual([]);
    }
    await story.stop();
    // The story has come to something.
    expect(new Set(story.values).size).toBeGreaterThan(5);
  },
  240_000,
);
