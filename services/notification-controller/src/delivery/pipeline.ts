import type { FluxEvent } from '@sluice/shared/api';
import type { Incidents } from '../incident/incidents.ts';
import type { Attempt } from './attempt.ts';
import type { DeadLetter, Delivery } from './delivery.ts';
import type { Reporter } from './reporter.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { Spread } from './spread.ts';

/** The way of events from their acceptance to their delivery. */
export interface Pipeline {
  /**
   * Takes in an event posted over HTTP; resolves once it is stored.
   *
   * @param id the same for the same request
   * @throws Error when it cannot be stored
   */
  accept(event: FluxEvent, id: string): Promise<void>;
  /** Begins to match and deliver. */
  start(): void;
  /** Stops; what is not delivered stays stored. */
  close(): Promise<void>;
}

/** What every pipeline is made of. */
export interface PipelineParts {
  spread: Spread;
  incidents: Incidents;
  attempt: Attempt;
  retry: RetryPolicy;
  reporter: Reporter;
  now?: () => number;
}

/** Makes the record of a delivery that is given up. */
export function deadLetter(
  delivery: Delivery,
  o: { error: string; attempts: number; nowMs: number },
): DeadLetter {
  const { error, attempts, nowMs } = o;
  return { delivery, error, attempts, failedAt: new Date(nowMs).toISOString() };
}
