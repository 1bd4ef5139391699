import type { KubeObject } from '@sluice/shared/api';
import { parseDuration } from '@sluice/shared/base';
import { Gauge, type Registry } from 'prom-client';
import { conditionsOf, isSuspended } from '../status/conditions.ts';

/** What is told about the objects of one kind. */
export interface ResourceSource {
  kind: string;
  /** The objects as they are known now. */
  objects(): readonly KubeObject[];
  /** Milliseconds since the epoch of the last reconcile that ended well, by `namespace/name`. */
  lastSuccess: ReadonlyMap<string, number>;
}

const identity = ['kind', 'name', 'namespace'] as const;

/**
 * Registers what the objects say about themselves, read from the watches when the metrics are read: so nothing is left
 * of a deleted object, and a new process tells the same as the one before. Suspended objects are left out, nobody
 * wants to be woken by them.
 *
 * @returns what adds the objects of a kind
 */
export function registerResourceMetrics(registry: Registry): (source: ResourceSource) => void {
  const sources: ResourceSource[] = [];
  const registers = [registry];
  const visit = (visitor: (object: KubeObject, labels: Labels, source: ResourceSource) => void) => {
    for (const source of sources) {
      for (const object of source.objects()) {
        if (isSuspended(object)) continue;
        const { name, namespace = '' } = object.metadata;
        visitor(object, { kind: source.kind, name, namespace }, source);
      }
    }
  };
  new Gauge({
    name: 'sluice_resource_condition',
    help: 'The conditions of an object; always 1.',
    labelNames: [...identity, 'type', 'status'],
    registers,
    collect() {
      this.reset();
      visit((object, labels) => {
        for (const { type, status } of conditionsOf(object))
          this.set({ ...labels, type, status }, 1);
      });
    },
  });
  new Gauge({
    name: 'sluice_resource_last_success_timestamp_seconds',
    help: 'When a reconcile of an object last ended well, in seconds since the epoch.',
    labelNames: identity,
    registers,
    collect() {
      this.reset();
      visit((_, labels, { lastSuccess }) => {
        const at = lastSuccess.get(`${labels.namespace}/${labels.name}`);
        if (at !== undefined) this.set(labels, at / 1000);
      });
    },
  });
  new Gauge({
    name: 'sluice_resource_interval_seconds',
    help: 'The interval at which an object is reconciled when nothing happens.',
    labelNames: identity,
    registers,
    collect() {
      this.reset();
      visit((object, labels) => {
        const seconds = intervalOf(object);
        if (seconds !== undefined) this.set(labels, seconds);
      });
    },
  });
  return (source) => void sources.push(source);
}

interface Labels {
  kind: string;
  name: string;
  namespace: string;
}

function intervalOf(object: KubeObject): number | undefined {
  const interval = (object as { spec?: { interval?: unknown } }).spec?.interval;
  if (typeof interval !== 'string') return undefined;
  try {
    return parseDuration(interval) / 1000;
  } catch {
    // The object's condition says that it is no duration.
    return undefined;
  }
}
