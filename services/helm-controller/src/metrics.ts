import { Counter, Histogram, type Registry } from 'prom-client';

/** What the controller measures besides reconciles. */
export interface HelmReleaseMetrics {
  /** Counts an action that ended. */
  action(action: string, result: 'succeeded' | 'failed'): void;
  /** Counts a run of the helm program. */
  rendered(): void;
  /** Counts a reconcile that found everything as it should be, without starting a program. */
  unchanged(): void;
  /** Records the seconds that an action took, waiting included. */
  took(action: string, seconds: number): void;
}

const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

/** Registers the metrics of the controller. */
export function createHelmReleaseMetrics(registry: Registry): HelmReleaseMetrics {
  const registers = [registry];
  const actions = new Counter({
    name: 'sluice_helm_actions_total',
    help: 'Actions on releases by their end.',
    labelNames: ['action', 'result'],
    registers,
  });
  const renderings = new Counter({
    name: 'sluice_helm_renderings_total',
    help: 'Runs of the helm program.',
    registers,
  });
  const unchanged = new Counter({
    name: 'sluice_helm_unchanged_total',
    help: 'Reconciles that found the release as it should be and started no program.',
    registers,
  });
  const durations = new Histogram({
    name: 'sluice_helm_action_seconds',
    help: 'Time that actions on releases took, waiting included.',
    labelNames: ['action'],
    buckets,
    registers,
  });
  return {
    action: (action, result) => actions.inc({ action, result }),
    rendered: () => renderings.inc(),
    unchanged: () => unchanged.inc(),
    took: (action, seconds) => durations.observe({ action }, seconds),
  };
}
