import { formatDuration } from '@sluice/shared/base';
import type { ApiResource, Informer, WatchMonitor } from '@sluice/shared/kube';
import { Counter, Gauge, type Registry } from 'prom-client';

type Watch = Parameters<WatchMonitor['started']>[0];

/** Knows how current the watches of a process are. */
export interface WatchMetrics extends WatchMonitor {
  /** @throws Error naming a watch that the process needs and that has been behind for too long */
  check(): void;
}

/** Milliseconds for which a watch may be interrupted before the process no longer counts as ready. */
const maxBehindMs = 60_000;

/** Registers what is told about the watches of a process. */
export function registerWatchMetrics(registry: Registry): WatchMetrics {
  const registers = [registry];
  const watches = new Map<Watch, { optional: boolean }>();
  const failures = new Counter({
    name: 'sluice_watch_object_failures_total',
    help: 'Objects that made a part of a watch fail, by resource and part; the watch goes on.',
    labelNames: ['resource', 'part'],
    registers,
  });
  const gauge = (name: string, help: string, measure: (watches: Watch[]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['resource'],
      registers,
      collect() {
        this.reset();
        for (const [resource, of] of byResource(watches.keys()))
          this.set({ resource }, measure(of));
      },
    });
  gauge('sluice_watch_synced', 'Whether a watch is current: 1, or 0 when it is behind.', (all) =>
    all.every((watch) => watch.behindMs() === 0) ? 1 : 0,
  );
  return {
    started(watch, optional) {
      watches.set(watch, { optional });
      return () => void watches.delete(watch);
    },
    failed: (resource, part) => failures.inc({ resource: nameOf(resource), part }),
    check() {
      for (const [watch, { optional }] of watches) {
        const behindMs = watch.behindMs();
        if (!optional && behindMs > maxBehindMs) throw new Error(describe(watch, behindMs));
      }
    },
  };
}

function describe({ resource }: Pick<Informer<never>, 'resource'>, behindMs: number): string {
  const name = nameOf(resource);
  if (!Number.isFinite(behindMs)) return `the watch of ${name} has not seen all objects yet`;
  return `the watch of ${name} has been interrupted for ${formatDuration(Math.round(behindMs))}`;
}

function byResource(watches: Iterable<Watch>): Map<string, Watch[]> {
  const names = new Map<string, Watch[]>();
  for (const watch of watches) {
    const name = nameOf(watch.resource);
    names.set(name, [...(names.get(name) ?? []), watch]);
  }
  return names;
}

function nameOf({ plural, group }: ApiResource): string {
  return group === '' ? plural : `${plural}.${group}`;
}
