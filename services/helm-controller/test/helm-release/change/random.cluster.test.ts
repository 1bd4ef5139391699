import { startChangeStory, storyOperations } from '@sluice/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, startBed } from '../harness.ts';

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
        kind: 'HelmRelease',
        publish: (name, revision, objects) => {
          const maps = Object.entries(objects).map(([one, v]) => [
            `templates/${one}.yaml`,
            `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${one}\ndata:\n  v: ${v}\n`,
          ]);
          return bed.publish(chart(revision, Object.fromEntries(maps)), revision, name);
        },
        spec: (name) => ({
          chartRef: { kind: 'ExternalArtifact' as const, name },
          driftDetection: { mode: 'enabled' as const },
        }),
        hasApplied: ({ status }, revision) => status?.history?.[0]?.chartVersion === revision,
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
    expect(new Set(story.values).size).toBeGreaterThan(3);
  },
  240_000,
);
