import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BuiltImage } from '../../tools/images/index.ts';
import { expectAllAnnounced } from './announced.ts';
import { helmJob, passwordSecret } from './helm-job.ts';
import { builtImages, imagesCannotBuild } from './images/built-images.ts';
import { type FluxWorld, startFluxWorld } from './images/flux-world.ts';
import { deleteAll, mainJob, type Progress } from './main-job.ts';
import { prepare } from './objects.ts';

const reason = await imagesCannotBuild();

describe.skipIf(reason !== undefined)(`images in place of Flux's, with Flux's manifests`, () => {
  let built: Record<string, BuiltImage>;
  let world: FluxWorld;
  const progress: Progress = { revisions: [], badRevision: '' };

  beforeAll(async () => {
    built = await builtImages();
    world = await startFluxWorld(built);
    await prepare(world);
  }, 300_000);
  afterAll(() => world?.stop());

  for (const step of mainJob(progress)) {
    test(step.name, () => step.run(world), 120_000);
  }

  test('every revision and the failure are announced, by way of HTTP', () =>
    expectAllAnnounced(world, progress));

  test('deleting the Kustomization and the source leaves nothing behind', () => deleteAll(world));

  test('a chart is installed, upgraded and refused', async () => {
    await world.apply(passwordSecret);
    for (const step of helmJob.slice(0, 4)) await step.run(world);
  }, 120_000);

  test('no controller has ended meanwhile', () => {
    expect(world.node.pods.map((pod) => pod.restarts)).toEqual([0, 0, 0, 0]);
  });
});
