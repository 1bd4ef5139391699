import { externalArtifactKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { LateWatch } from '@sluice/testing';
import { afterAll, beforeAll, test } from 'vitest';
import { type Bed, configMap, startBed } from './harness.ts';

/** The controller's watch of the Kustomizations themselves. */
const late = new LateWatch(({ plural }) => plural === 'kustomizations');

let bed: Bed;
beforeAll(async () => {
  bed = await startBed([], { wrap: (client) => late.wrap(client) });
});
afterAll(() => bed.stop());

test('a source that comes back with the revision that was applied is used before the watch tells of the failure', async () => {
  const files = { 'a.yaml': configMap('settings') };
  await bed.publish(files, 'r1', 'back');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'back' } }, 'back');
  await bed.ready('r1', 'back');
  const key = { namespace: bed.namespace, name: 'back' };
  const lost = { status: { artifact: null } };
  const options = { type: 'merge', subresource: 'status' } as const;
  await late.unheard(async () => {
    await bed.client.patch(resourceOf(externalArtifactKind), key, lost, options);
    await bed.failed('ArtifactFailed', 'back');
    await bed.publish(files, 'r1', 'back');
    await bed.ready('r1', 'back');
  });
});
