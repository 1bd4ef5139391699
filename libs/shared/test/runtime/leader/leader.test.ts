import { FakeClock, silentLogger } from '@sluice/shared/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLeaderElector, type LeaderElector } from '../../../src/runtime/leader/leader.ts';
import { LeadershipLostError } from '../../../src/runtime/leader/leadership.ts';
import type { Lease } from '../../../src/runtime/leader/lease.ts';
import { FakeApi } from '../fake-api.ts';

let api: FakeApi;
let clock: FakeClock;
let stop: AbortController;
let electors: LeaderElector[];

function elector(identity: string, options: { releaseOnCancel?: boolean } = {}): LeaderElector {
  const created = createLeaderElector({
    client: api.client,
    namespace: 'ns',
    name: 'source-controller-leader-election',
    identity,
    logger: silentLogger,
    clock,
    monotonicMs: () => clock.now(),
    leaseDurationMs: 35_000,
    renewDeadlineMs: 30_000,
    retryPeriodMs: 5_000,
    releaseOnCancel: true,
    ...options,
  });
  electors.push(created);
  return created;
}

const lease = () => api.read<Lease>('leases', 'ns/source-controller-leader-election');

/** Says at each moment whether the elector has won. */
function race(candidate: LeaderElector): { won: boolean } {
  const state = { won: false };
  candidate.acquire(stop.signal).then(
    () => {
      state.won = true;
    },
    () => undefined,
  );
  return state;
}

beforeEach(() => {
  api = new FakeApi();
  clock = new FakeClock();
  stop = new AbortController();
  electors = [];
});

afterEach(async () => {
  stop.abort();
  await Promise.all(electors.map((e) => e.release()));
});

describe('leader election', () => {
  it('creates the lease and renews it', async () => {
    const a = elector('a');
    await a.acquire(stop.signal);
    expect(a.isLeader()).toBe(true);
    const { acquireTime } = lease().spec;
    await clock.advance(120_000);
    expect(a.isLeader()).toBe(true);
    expect(lease().spec).toMatchObject({
      holderIdentity: 'a',
      leaseDurationSeconds: 35,
      leaseTransitions: 0,
      acquireTime,
    });
    expect(Date.parse(lease().spec.renewTime ?? '')).toBeGreaterThan(Date.parse(acquireTime ?? ''));
  });

  it('has one leader at a time', async () => {
    await elector('a').acquire(stop.signal);
    const b = elector('b');
    const state = race(b);
    await clock.advance(300_000);
    expect(state.won).toBe(false);
    expect(b.isLeader()).toBe(false);
  });

  it('hands over at once when the leader releases', async () => {
    const a = elector('a');
    await a.acquire(stop.signal);
    const state = race(elector('b'));
    await clock.advance(0);
    await a.release();
    await clock.advance(6_050);
    expect(state.won).toBe(true);
    expect(a.isLeader()).toBe(false);
    expect(lease().spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  it('hands over after the lease duration when the leader is gone without a word', async () => {
    const a = elector('a', { releaseOnCancel: false });
    await a.acquire(stop.signal);
    await a.release();
    const state = race(elector('b'));
    await clock.advance(35_000);
    expect(state.won).toBe(false);
    await clock.advance(7_000);
    expect(state.won).toBe(true);
  });

  it('is not misled by the times in a lease', async () => {
    const a = elector('a');
    await a.acquire(stop.signal);
    const old = { ...lease(), spec: { ...lease().spec, renewTime: '2001-01-01T00:00:00.000000Z' } };
    api.put('leases', old);
    const state = race(elector('b'));
    await clock.advance(4_000);
    expect(state.won).toBe(false);
  });

  it('is lost when it cannot be renewed, before the lease ends', async () => {
    const a = elector('a');
    await a.acquire(stop.signal);
    api.before = () => {
      throw new Error('connection refused');
    };
    await clock.advance(29_999);
    expect(a.lost.aborted).toBe(false);
    await clock.advance(1);
    expect(a.lost.aborted).toBe(true);
    expect(a.lost.reason).toBeInstanceOf(LeadershipLostError);
    expect(a.isLeader()).toBe(false);
  });

  it('survives an outage shorter than the renew deadline', async () => {
    const a = elector('a');
    await a.acquire(stop.signal);
    let broken = true;
    api.before = () => {
      if (broken) throw new Error('connection refused');
    };
    await clock.advance(24_000);
    broken = false;
    await clock.advance(60_000);
    expect(a.lost.aborted).toBe(false);
    expect(a.isLeader()).toBe(true);
  });

  it('is lost when another holds the lease', async () => {
    const a = elector('a');
    await a.acquire(stop.signal);
    api.put('leases', { ...lease(), spec: { ...lease().spec, holderIdentity: 'thief' } });
    await clock.advance(10_000);
    expect(a.lost.aborted).toBe(true);
    expect(lease().spec.holderIdentity).toBe('thief');
  });

  it.each([
    { name: 'was edited', change: () => api.put('leases', lease()) },
    { name: 'was deleted', change: () => api.objects.clear() },
  ])('goes on when the lease $name', async ({ change }) => {
    const a = elector('a');
    await a.acquire(stop.signal);
    change();
    await clock.advance(60_000);
    expect(a.isLeader()).toBe(true);
    expect(lease().spec.holderIdentity).toBe('a');
  });

  it('is known to be lost after a pause, before anything else runs', async () => {
    let paused = 0;
    const a = createLeaderElector({
      client: api.client,
      namespace: 'ns',
      name: 'x',
      logger: silentLogger,
      clock,
      monotonicMs: () => clock.now() + paused,
      leaseDurationMs: 35_000,
      renewDeadlineMs: 30_000,
      retryPeriodMs: 5_000,
      releaseOnCancel: true,
    });
    electors.push(a);
    await a.acquire(stop.signal);
    paused = 40_000;
    expect(a.isLeader()).toBe(false);
    await clock.advance(5_000);
    expect(a.lost.aborted).toBe(true);
  });

  it('leaves the lease alone when it is released after it was lost', async () => {
    const a = elector('a');
    await a.acquire(stop.signal);
    api.put('leases', { ...lease(), spec: { ...lease().spec, holderIdentity: 'b' } });
    await clock.advance(10_000);
    await a.release();
    expect(lease().spec.holderIdentity).toBe('b');
  });

  it('stops waiting when told to', async () => {
    await elector('a').acquire(stop.signal);
    const waiting = elector('b').acquire(stop.signal);
    const rejected = expect(waiting).rejects.toThrow('enough');
    await clock.advance(1000);
    stop.abort(new Error('enough'));
    await rejected;
  });
});
