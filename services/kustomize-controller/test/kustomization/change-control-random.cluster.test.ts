import type { Kustomization } from '@sluice/shared/api';
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
import { type Bed, configMap, startBed } from './harness.ts';

const optionsOf = (bed: Bed): ChangeStoryOptions<Kustomization> => ({
  bed,
  kind: 'Kustomization',
  publish: (name, revision, objects) => {
    const files = Object.entries(objects).map(([one, v]) => [`${one}.yaml`, configMap(one, { v })]);
    return bed.publish(Object.fromEntries(files), revision, name);
  },
  spec: (name) => ({ sourceRef: { kind: 'ExternalArtifact' as const, name } }),
  hasApplied: ({ status }, revision) => status?.lastAppliedRevision === revision,
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
    expect(values).toBeGreaterThan(5);
  },
  240_000,
);

test.each([12])(
  'nor when the process is killed at any request on the way (seed %i)',
  async (seed) => {
    const bed = await startBed(idleFlags);
    onTestFinished(() => bed.stop());
    const controller = await startKilledController(bed, {
      name: 'kustomize-controller',
      args: [`--sops-binary=${toolPath('sops')}`],
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
