import { silentLogger } from '@sluice/shared/base';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace, until } from '@sluice/testing';
import { beforeAll, expect, it } from 'vitest';
import { createLeaderElector, type LeaderElector } from '../../../src/runtime/leader/leader.ts';
import type { Lease } from '../../../src/runtime/leader/lease.ts';
import { leaseName } from '../../../src/runtime/shard.ts';

const name = leaseName('source-controller');
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'leader');
});

function elector(identity: string, servedAt?: () => string | undefined): LeaderElector {
  return createLeaderElector({
    servedAt,
    client,
    namespace,
    name,
    identity,
    logger: silentLogger,
    leaseDurationMs: 30_000,
    renewDeadlineMs: 25_000,
    retryPeriodMs: 200,
    releaseOnCancel: true,
  });
}

const heldBy = (holder: string, fits: (lease: Lease) => boolean = () => true) =>
  until<Lease>(
    client,
    coreResources.leases,
    { namespace, name },
    (lease) => lease.spec.holderIdentity === holder && fits(lease),
  );

it('elects one of two, renews its lease, and hands over on release', async () => {
  const [a, b] = [elector('a'), elector('b')];
  await a.acquire(AbortSignal.timeout(20_000));
  const first = await heldBy('a');
  const second = b.acquire(AbortSignal.timeout(50_000));
  await heldBy('a', (lease) => lease.spec.renewTime !== first.spec.renewTime);
  expect([a.isLeader(), b.isLeader()]).toEqual([true, false]);

  await a.release();
  await second;
  expect([a.isLeader(), b.isLeader()]).toEqual([false, true]);
  const { spec } = await heldBy('b');
  expect(spec).toMatchObject({ leaseTransitions: 1, leaseDurationSeconds: 30 });

  await client.patch(
    coreResources.leases,
    { namespace, name },
    { spec: { holderIdentity: 'thief', leaseDurationSeconds: 3600 } },
    { type: 'merge' },
  );
  if (!b.lost.aborted) await new Promise((resolve) => b.lost.addEventListener('abort', resolve));
  expect(b.isLeader()).toBe(false);
  await b.release();
  await heldBy('thief');
});

it('tells the others where the leader serves, while it leads', async () => {
  let address: string | undefined;
  const [a, b] = [elector('served', () => address), elector('silent')];
  // The thief of the test before has let go of it.
  await client.delete(coreResources.leases, { namespace, name });
  await a.acquire(AbortSignal.timeout(20_000));
  expect(a.leaderAddress()).toBeUndefined();
  const second = b.acquire(AbortSignal.timeout(50_000));
  address = '10.0.0.1:9090';
  await expect.poll(() => b.leaderAddress(), { timeout: 20_000 }).toBe('10.0.0.1:9090');
  expect(a.leaderAddress()).toBeUndefined();

  await a.release();
  await second;
  // Who says nothing of itself does not leave what another one has said.
  const { metadata } = await heldBy('silent');
  expect(metadata.annotations).toBeUndefined();
  expect(b.leaderAddress()).toBeUndefined();
  await b.release();
});
