import { Counter, Histogram, type Registry } from 'prom-client';

/** What the controller measures besides reconciles. */
export interface KustomizationMetrics {
  /** Counts a build; `cached` when the program did not run, `refused` when the same was over a limit before. */
  build(result: 'built' | 'cached' | 'unchanged' | 'failed' | 'refused'): void;
  /** Records the seconds from a new artifact to a ready Kustomization. */
  ready(seconds: number): void;
  /** Records the seconds that health was waited for. */
  waited(seconds: number): void;
}

const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

/** Registers the metrics of the controller. */
export function createKustomizationMetrics(registry: Registry): KustomizationMetrics {
  const registers = [registry];
  const builds = new Counter({
    name: 'sluice_kustomize_builds_total',
    help: 'Builds by how their objects were obtained.',
    labelNames: ['result'],
    registers,
  });
  const ready = new Histogram({
    name: 'sluice_artifact_to_ready_seconds',
    help: 'Time from a new artifact to a ready Kustomization.',
    buckets,
    registers,
  });
  const waited = new Histogram({
    name: 'sluice_health_wait_seconds',
    help: 'Time that applied objects took to become healthy.',
    buckets,
    registers,
  });
  return {
    build: (result) => builds.inc({ result }),
    ready: (seconds) => ready.observe(seconds),
    waited: (seconds) => waited.observe(seconds),
  };
}
