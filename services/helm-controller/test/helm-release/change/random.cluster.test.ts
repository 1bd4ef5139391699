import type { HelmRelease } from '@sluice/shared/api';
import {
  type ChangeStoryOptions,
  idleFlags,
  killingOperations,
  type StoryOperation,
  startKilledController,
  storyOperations,
  tellChangeStory,
  toolPath,
} from '@sluice/testing';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { type Bed, chart, startBed } from '../harness.ts';

const optionsOf = (bed: Bed): ChangeStoryOptions<HelmRelease> => ({
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
});

const stepsOf = (operations: readonly StoryOperation[], seed: number) =>
  fc.sample(fc.constantFrom(...operations), { seed, numRuns: 40 });

test.each([1, 2])(
  'nothing is ever applied that was not approved, whatever happens in which order (seed %i)',
  async (seed) => {
    const bed = await startBed();
    onTestFinished(() => bed.stop());
    const operations = stepsOf(storyOperations, seed);
    const values = await tellChangeStory(optionsOf(bed), { name: `story-${seed}`, operations });
    // The story has come to something.
    expect(values).toBeGreaterThan(3);
  },
  240_000,
);

test.each([12])(
  'nor when the process is killed at any request on the way (seed %i)',
  async (seed) => {
    const bed = await startBed(idleFlags);
    onTestFinished(() => bed.stop());
    const controller = await startKilledController(bed, {
      name: 'helm-controller',
      args: [`--helm-renderer=${toolPath('helm-renderer')}`],
    });
    onTestFinished(() => controller.stop());
    const { restart, killAtWrite } = controller;
    const o = { ...optionsOf({ ...bed, restart }), killAtWrite };
    const operations = stepsOf(killingOperations, seed);
    const values = await tellChangeStory(o, { name: `story-${seed}`, operations });
    await controller.settle();
    expect(values).toBeGreaterThan(3);
    expect(controller.kills).toBeGreaterThan(2);
  },
  300_000,
);
