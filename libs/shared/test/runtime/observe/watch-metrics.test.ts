import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  registerWatchMetrics,
  type WatchMetrics,
} from '../../../src/runtime/observe/watch-metrics.ts';

const resource = (plural: string, group = 'example.com') => ({
  group,
  version: 'v1',
  kind: 'Thing',
  plural,
  namespaced: true,
});

let registry: Registry;
let watches: WatchMetrics;

/** A watch that is as far behind as the test says. */
function watch(plural: string, behindMs: number, group?: string) {
  const state = { behindMs };
  return { state, resource: resource(plural, group), behindMs: () => state.behindMs };
}

async function value(name: string, labels: object): Promise<number | undefined> {
  const metric = (await registry.getMetricsAsJSON()).find((each) => each.name === name);
  const wanted = JSON.stringify(labels);
  return metric?.values.find((sample) => JSON.stringify(sample.labels) === wanted)?.value;
}

beforeEach(() => {
  registry = new Registry();
  watches = registerWatchMetrics(registry);
});

describe('the watches of a process', () => {
  it('are said to be current or not', async () => {
    const things = watch('things', Number.POSITIVE_INFINITY);
    const end = watches.started(things, false);
    watches.started(watch('secrets', 0, ''), false);
    const labels = { resource: 'things.example.com' };
    expect(await value('sluice_watch_synced', labels)).toBe(0);
    expect(await value('sluice_watch_synced', { resource: 'secrets' })).toBe(1);
    things.state.behindMs = 0;
    expect(await value('sluice_watch_synced', labels)).toBe(1);
    things.state.behindMs = 1;
    expect(await value('sluice_watch_synced', labels)).toBe(0);
    end();
    expect(await value('sluice_watch_synced', labels)).toBeUndefined();
  });

  it('make the process unready before the first list, and a minute after an interruption', () => {
    const things = watch('things', Number.POSITIVE_INFINITY);
    watches.started(things, false);
    expect(watches.check).toThrow('the watch of things.example.com has not seen all objects yet');
    things.state.behindMs = 60_000;
    expect(watches.check).not.toThrow();
    things.state.behindMs = 61_000;
    expect(watches.check).toThrow('the watch of things.example.com has been interrupted for 1m1s');
    things.state.behindMs = 0;
    expect(watches.check).not.toThrow();
  });

  it('leave the process ready when it can do without them', () => {
    watches.started(watch('secrets', Number.POSITIVE_INFINITY), true);
    expect(watches.check).not.toThrow();
  });

  it('count objects that made them fail', async () => {
    watches.failed(resource('things'), 'index');
    watches.failed(resource('things'), 'index');
    const labels = { resource: 'things.example.com', part: 'index' };
    expect(await value('sluice_watch_object_failures_total', labels)).toBe(2);
  });
});
