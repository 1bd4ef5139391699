import type { KubeObject } from '@sluice/shared/api';
import type { DriftOutcome } from '@sluice/shared/engine';
import { keyOf, parseKey } from '@sluice/shared/kube';
import { Counter, Gauge, type Registry } from 'prom-client';

/** What a controller tells about drift. */
export interface DriftMetrics {
  /** Counts what became of an object that differed; `owner` is the key of who applied it. */
  count(owner: string, action: DriftOutcome): void;
  /** Drops what is kept for a deleted owner. */
  forget(owner: string): void;
}

const actions: readonly DriftOutcome[] = ['detected', 'corrected', 'delayed'];
const identity = ['kind', 'name', 'namespace'] as const;

/**
 * Registers the metrics of drift.
 *
 * @param o `owners` are the objects that apply others; `open` says how many objects of one differ now and stay so
 */
export function createDriftMetrics(
  registry: Registry,
  o: { kind: string; owners: () => readonly KubeObject[]; open: (owner: string) => number },
): DriftMetrics {
  const registers = [registry];
  const labelsOf = (owner: string) => {
    const { name, namespace = '' } = parseKey(owner);
    return { kind: o.kind, name, namespace };
  };
  const counter = new Counter({
    name: 'sluice_drift_total',
    help: 'Objects that differed from their source, by who applied them and what was done.',
    labelNames: [...identity, 'action'],
    registers,
  });
  new Gauge({
    name: 'sluice_drifted_objects',
    help: 'Objects that differ from their source and are not corrected now, by who applied them.',
    labelNames: identity,
    registers,
    collect() {
      this.reset();
      for (const owner of o.owners()) {
        const key = keyOf(owner);
        this.set(labelsOf(key), o.open(key));
      }
    },
  });
  return {
    count: (owner, action) => counter.inc({ ...labelsOf(owner), action }),
    forget(owner) {
      for (const action of actions) counter.remove({ ...labelsOf(owner), action });
    },
  };
}
