import { assertStatusContract, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, chart, finishJob, jobs, startBed, suspendedHook } from '../harness.ts';
import { say, untilHeld } from './changes.ts';

const hook = suspendedHook('post-upgrade');

let bed: Bed;
beforeAll(async () => {
  bed = await startBed();
});
afterAll(() => bed.stop());

const approve = { changePolicy: { mode: 'Approve' as const } };

/** Lets an upgrade begin, and publishes another chart before it has ended. */
async function begin(name: string, upgrade: object): Promise<void> {
  const chartRef = { kind: 'ExternalArtifact' as const, name };
  await bed.publish(chart('1.0.0'), '1.0.0', name);
  await bed.apply({ chartRef, upgrade }, name);
  await bed.ready('1.0.0', name);
  await bed.patch(approve, name);
  await bed.publish(chart('2.0.0', { 'templates/hook.yaml': hook }), '2.0.0', name);
  const held = await untilHeld(bed, { reason: 'Approval', name });
  await say(bed, name, { digest: held.status?.plan?.digest });
  await until(bed.client, jobs, { namespace: bed.namespace, name: `${name}-hook` }, () => true);
  await bed.publish(chart('3.0.0'), '3.0.0', name);
}

test('a change that was let through ends although a newer one is there, which waits then', async () => {
  await begin('ends', {});
  // The controller has seen the new chart once another HelmRelease has it.
  await bed.apply({ chartRef: { kind: 'ExternalArtifact', name: 'ends' } }, 'witness');
  await bed.ready('3.0.0', 'witness');
  await finishJob(bed, 'ends-hook');
  const held = await untilHeld(bed, { reason: 'Approval', name: 'ends' });
  assertStatusContract(held);
  expect(held.status).toMatchObject({
    plan: { revision: '3.0.0' },
    history: [{ chartVersion: '2.0.0', version: 2, status: 'deployed' }, {}],
  });
});

test('a change that fails is undone although a newer one waits', async () => {
  await begin('undone', {
    timeout: '5s',
    remediation: { retries: 0, remediateLastFailure: true, strategy: 'rollback' },
  });
  const rolledBack = await bed.when(
    ({ status }) => status?.history?.[0]?.version === 3 && status.held !== undefined,
    'undone',
  );
  expect(rolledBack.status).toMatchObject({
    held: { reason: 'Approval' },
    plan: { revision: '3.0.0' },
    history: [{ chartVersion: '1.0.0', action: 'rollback' }, { version: 2, status: 'failed' }, {}],
  });
});
