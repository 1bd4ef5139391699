import { assertStatusContract, LateWatch, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fragileChart } from './charts.ts';
import { type Bed, conditionOf, secrets, startBed } from './harness.ts';

/** The watch of Helm's records. */
const late = new LateWatch((_, { labelSelector }) => labelSelector === 'owner=helm');
let bed: Bed;
beforeAll(async () => {
  bed = await startBed([], { wrap: (client) => late.wrap(client) });
  await bed.publish(fragileChart());
});
afterAll(() => bed.stop());

const requested = 'reconcile.fluxcd.io/requestedAt';
const rare = { name: 'RetryOnFailure', retryInterval: '1h' } as const;

const handled = (token: string, name: string) =>
  bed.when(({ status }) => status?.lastHandledReconcileAt === token, name);

/** Resolves when what the watch had to tell was heard: the loss of one more release is noticed by it alone. */
async function caughtUp(name: string): Promise<void> {
  await bed.apply({}, name);
  await bed.ready('1.0.0', name);
  const record = { namespace: bed.namespace, name: `sh.helm.release.v1.${name}.v1` };
  const { metadata } = await bed.client.get(secrets, record);
  await bed.helm('uninstall', name);
  await until(bed.client, secrets, record, (one) => one.metadata.uid !== metadata.uid);
}

test('a request finds a failed release uninstalled before the watch tells of it', async () => {
  await bed.apply({ install: { strategy: rare }, values: { refused: true } }, 'failed');
  await bed.failed('InstallFailed', 'failed');
  await caughtUp('first');
  await late.unheard(async () => {
    await bed.helm('uninstall', 'failed');
    await bed.annotate({ [requested]: 'now' }, 'failed');
    await handled('now', 'failed');
  });
  // The late news is of a record in whose place there is another one.
  await caughtUp('second');
  const object = await bed.get('failed');
  assertStatusContract(object);
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
  expect(object.status).toMatchObject({ installFailures: 2, history: [{ version: 1 }] });
  expect(object.status).not.toHaveProperty('upgradeFailures');
});

test('a change finds a release uninstalled before the watch tells of it', async () => {
  await bed.apply({}, 'changed');
  await bed.ready('1.0.0', 'changed');
  await caughtUp('third');
  await late.unheard(async () => {
    await bed.helm('uninstall', 'changed');
    await bed.patch({ values: { text: 'other' } }, 'changed');
    const object = await bed.ready('1.0.0', 'changed');
    expect(object.status?.history).toMatchObject([{ version: 1, action: 'install' }]);
  });
});
