import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { FakeClock, silentLogger } from '@sluice/shared/base';
import { beforeEach, describe, expect, it } from 'vitest';
import { LeadershipLostError } from '../../src/runtime/leader/leadership.ts';
import type { Lease } from '../../src/runtime/leader/lease.ts';
import { type ManagerContext, runManager } from '../../src/runtime/manager.ts';
import { FakeApi } from './fake-api.ts';

const leaderElection = {
  leaseDurationMs: 35_000,
  renewDeadlineMs: 30_000,
  retryPeriodMs: 5_000,
  releaseOnCancel: true,
  namespace: 'ns',
  leaseName: 'lease',
};
let api: FakeApi;
let clock: FakeClock;
let shutdown: AbortController;

const lease = () => api.read<Lease>('leases', 'ns/lease');
const aborted = ({ signal }: ManagerContext) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));

function run(options: Partial<Parameters<typeof runManager>[0]>): Promise<void> {
  return runManager({
    name: 'source-controller',
    logger: silentLogger,
    client: api.client,
    metricsAddr: '0',
    healthAddr: '0',
    gracefulShutdownMs: 1000,
    shutdown: shutdown.signal,
    clock,
    start: aborted,
    ...options,
  });
}

beforeEach(() => {
  api = new FakeApi();
  clock = new FakeClock();
  shutdown = new AbortController();
});

describe('runManager', () => {
  it('runs its parts until the shutdown, then flushes', async () => {
    const log: string[] = [];
    const running = run({
      start: async (context) => {
        log.push('start');
        await aborted(context);
        log.push('end');
      },
      always: async () => void log.push('always'),
      flush: async () => void log.push('flush'),
    });
    await clock.advance(0);
    expect(log.sort()).toEqual(['always', 'start']);
    shutdown.abort();
    await running;
    expect(log.slice(2)).toEqual(['end', 'flush']);
  });

  it('goes on when its parts return after starting', async () => {
    let ended = false;
    const running = run({ start: async () => undefined }).then(() => {
      ended = true;
    });
    await clock.advance(60_000);
    expect(ended).toBe(false);
    shutdown.abort();
    await running;
  });

  it('does not wait longer than the grace for a part that hangs', async () => {
    let flushed = false;
    const running = run({
      start: () => new Promise(() => undefined),
      flush: async () => {
        flushed = true;
      },
    });
    await clock.advance(0);
    shutdown.abort();
    await clock.advance(1000);
    await running;
    expect(flushed).toBe(true);
  });

  it.each(['start', 'always'] as const)('ends when %s fails, with its error', async (part) => {
    const running = run({ [part]: () => Promise.reject(new Error('no disk')) });
    await expect(running).rejects.toThrow('no disk');
  });

  it('starts once it leads, other parts at once', async () => {
    const spec = { holderIdentity: 'other', leaseDurationSeconds: 15 };
    const metadata = { name: 'lease', namespace: 'ns' };
    api.put('leases', { apiVersion: 'v1', kind: 'Lease', metadata, spec } as Lease);
    const log: string[] = [];
    const running = run({
      leaderElection,
      always: async () => void log.push('always'),
      start: async (context) => {
        log.push('start');
        await aborted(context);
      },
    });
    await clock.advance(14_000);
    expect(log).toEqual(['always']);
    api.put('leases', { ...lease(), spec: {} });
    await clock.advance(6_050);
    expect(log).toEqual(['always', 'start']);
    shutdown.abort();
    await running;
  });

  it('gives the lease back at the end', async () => {
    const running = run({ leaderElection });
    await clock.advance(0);
    expect(lease().spec.holderIdentity).toBeTruthy();
    shutdown.abort();
    await running;
    expect(lease().spec.holderIdentity).toBeUndefined();
  });

  it('ends without having started when it is stopped before it leads', async () => {
    const other = { holderIdentity: 'other', leaseDurationSeconds: 3600 };
    const metadata = { name: 'lease', namespace: 'ns' };
    api.put('leases', { apiVersion: 'v1', kind: 'Lease', metadata, spec: other } as Lease);
    let started = false;
    const running = run({
      leaderElection,
      start: async () => {
        started = true;
      },
    });
    await clock.advance(60_000);
    shutdown.abort();
    await running;
    expect(started).toBe(false);
    expect(lease().spec.holderIdentity).toBe('other');
  });

  it('fails, and its client refuses to write, when the leadership is lost', async () => {
    let context: ManagerContext | undefined;
    const running = run({
      leaderElection,
      start: async (given) => {
        context = given;
        await aborted(given);
      },
    });
    const failed = expect(running).rejects.toThrow(LeadershipLostError);
    await clock.advance(0);
    api.put('leases', { ...lease(), spec: { holderIdentity: 'thief' } } as Lease);
    await clock.advance(10_000);
    await failed;
    expect(context?.signal.reason).toBeInstanceOf(LeadershipLostError);
    const resource = { group: '', version: 'v1', kind: 'X', plural: 'xs', namespaced: true };
    const write = context?.client.patch(resource, { name: 'x' }, {}, { type: 'merge' });
    await expect(write).rejects.toThrow(LeadershipLostError);
  });

  it('tells every replica where the one that leads serves, and the others where this one does', async () => {
    const annotation = 'leader.sluice.dev/address';
    const spec = { holderIdentity: 'other', leaseDurationSeconds: 15 };
    const annotations = { [annotation]: '10.0.0.2:9090', kept: 'x' };
    const metadata = { name: 'lease', namespace: 'ns', annotations };
    api.put('leases', { apiVersion: 'v1', kind: 'Lease', metadata, spec } as Lease);
    let context: ManagerContext | undefined;
    const running = run({
      leaderElection,
      servedAt: () => '10.0.0.1:9090',
      always: async (given) => {
        context = given;
      },
    });
    await clock.advance(0);
    expect(context?.otherLeader()).toEqual({ address: '10.0.0.2:9090' });
    api.put('leases', { ...lease(), spec: {} });
    await clock.advance(6_050);
    expect(context?.otherLeader()).toBeUndefined();
    expect(lease().metadata.annotations).toEqual({ [annotation]: '10.0.0.1:9090', kept: 'x' });
    shutdown.abort();
    await running;
    // Nobody leads: what the last one has said counts no more.
    expect(context?.otherLeader()).toEqual({ address: undefined });
  });

  it('ends what every replica does as well when the leadership is lost', async () => {
    let always: AbortSignal | undefined;
    const running = run({
      leaderElection,
      // Longer than the clock goes on: nothing ends because of it.
      gracefulShutdownMs: 60_000,
      // Hangs as long as the process is to go on.
      always: (context) => {
        always = context.signal;
        return aborted(context);
      },
    });
    const failed = expect(running).rejects.toThrow(LeadershipLostError);
    await clock.advance(0);
    api.put('leases', { ...lease(), spec: { holderIdentity: 'thief' } } as Lease);
    await clock.advance(10_000);
    await failed;
    expect(always?.aborted).toBe(true);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends in an orderly way on %s', async (signal) => {
    const module = new URL('../../src/runtime/manager.ts', import.meta.url).href;
    const script = `
      import { runManager } from '${module}';
      const log = (fields, message) => console.log(message ?? fields);
      await runManager({
        name: 'x', client: {}, metricsAddr: '0', healthAddr: '127.0.0.1:0', gracefulShutdownMs: 5000,
        logger: { info: log, warn: log, error: log },
        start: async ({ signal }) => {
          console.log('started');
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          console.log('ended');
        },
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line === 'started') child.kill(signal);
    }
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(0);
    expect(lines).toEqual(['Listening', 'started', 'Shutting down', 'ended', 'Shutdown complete']);
  });
});
