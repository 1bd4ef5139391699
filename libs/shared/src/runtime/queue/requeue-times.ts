import type { KubeObject } from '@sluice/shared/api';
import { type Clock, errorMessage, parseDuration, StalledError } from '@sluice/shared/base';
import type { RequeueTimes } from '../outcome.ts';
import type { Reconciler } from '../reconciler.ts';

/** Reason of a stall because of an interval that is no duration. */
export const invalidIntervalReason = 'InvalidInterval';

/** Reason of a stall because of a spec that has not the form of its schema. */
export const invalidSpecReason = 'InvalidSpec';

/** Where the times of requeues come from. Delays in milliseconds. */
export interface TimesOptions<T extends KubeObject> {
  reconciler: Reconciler<T>;
  clock: Clock;
  dependencyRequeueMs: number;
  intervalJitterPercentage: number;
  leastIntervalMs: number;
}

/** Returns the times that hold for every object. */
export function defaultTimes<T extends KubeObject>(options: TimesOptions<T>): RequeueTimes {
  return {
    intervalMs: undefined,
    failureIntervalMs: undefined,
    latestRetryMs: undefined,
    dependencyMs: options.dependencyRequeueMs,
    leastMs: options.leastIntervalMs,
    jitterPercentage: options.intervalJitterPercentage,
    nowMs: options.clock.now(),
  };
}

/**
 * Reads the times an object asks for.
 *
 * @throws StalledError with the reason InvalidInterval when one is no duration
 */
export function timesOf<T extends KubeObject>(
  object: T,
  reconciler: Reconciler<T>,
): Partial<RequeueTimes> {
  try {
    const intervalMs = reconciler.intervalMs ? reconciler.intervalMs(object) : specInterval(object);
    // An interval of zero means none, as in Flux; taken literally it would spin.
    return {
      intervalMs: intervalMs || undefined,
      failureIntervalMs: reconciler.failureInterval?.(object) || undefined,
      latestRetryMs: reconciler.latestRetry?.(object) || undefined,
    };
  } catch (cause) {
    throw new StalledError(
      invalidIntervalReason,
      `spec.interval or spec.retryInterval cannot be used: ${errorMessage(cause)}`,
      { cause },
    );
  }
}

function specInterval(object: KubeObject): number | undefined {
  const interval = (object as { spec?: { interval?: string } }).spec?.interval;
  return interval === undefined ? undefined : parseDuration(interval);
}
