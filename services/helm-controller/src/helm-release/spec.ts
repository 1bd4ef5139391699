import type { HelmRelease } from '@sluice/shared/api';
import { specDuration } from '@sluice/shared/applier';
import { maxDelayMs } from '@sluice/shared/base';

/** Action of a release that is tried until it succeeds. */
export type ReleaseAction = 'install' | 'upgrade';
/** An action as people know it from the Helm command line. */
export type HelmAction = ReleaseAction | 'test' | 'rollback' | 'uninstall';

const defaultTimeout = '5m';
const defaultRetryInterval = '5m';

/**
 * Returns the limit of an action in milliseconds: its own timeout, else spec.timeout, else five minutes.
 *
 * @throws StalledError InvalidSpec when it is no duration
 */
export function timeoutOf({ spec }: HelmRelease, action: HelmAction): number {
  const own = spec[action]?.timeout;
  const ms =
    own === undefined
      ? specDuration(spec.timeout ?? defaultTimeout, 'spec.timeout')
      : specDuration(own, `spec.${action}.timeout`);
  return Math.min(ms, maxDelayMs);
}

/** What is done about failures of an action. */
export interface Remediation {
  action: ReleaseAction;
  /** Negative for ever. */
  retries: number;
  strategy: 'rollback' | 'uninstall';
  remediateLastFailure: boolean;
  ignoreTestFailures: boolean;
}

/** Returns what spec.install.remediation or spec.upgrade.remediation asks for, with the defaults of Flux. */
export function remediationOf({ spec }: HelmRelease, action: ReleaseAction): Remediation {
  const own = spec[action]?.remediation;
  const retries = own?.retries ?? 0;
  const ignoreTestFailures = own?.ignoreTestFailures ?? spec.test?.ignoreFailures ?? false;
  if (action === 'install') {
    const remediateLastFailure = own?.remediateLastFailure ?? false;
    return { action, retries, strategy: 'uninstall', remediateLastFailure, ignoreTestFailures };
  }
  const strategy = spec.upgrade?.remediation?.strategy ?? 'rollback';
  const remediateLastFailure = own?.remediateLastFailure ?? retries > 0;
  return { action, retries, strategy, remediateLastFailure, ignoreTestFailures };
}

type Status = NonNullable<HelmRelease['status']>;

/** Returns the remediation of the action that was tried last; undefined when none was. */
export function activeRemediation(object: HelmRelease, status: Status): Remediation | undefined {
  const action = status.lastAttemptedReleaseAction;
  return action === undefined ? undefined : remediationOf(object, action);
}

/** Returns how often an action failed for the current desired state. */
export function failureCount(status: Status, action: ReleaseAction): number {
  return (action === 'install' ? status.installFailures : status.upgradeFailures) ?? 0;
}

/** Counts a failure of an action. */
export function countFailure(status: Status, action: ReleaseAction): void {
  const field = action === 'install' ? 'installFailures' : 'upgradeFailures';
  status[field] = (status[field] ?? 0) + 1;
}

/** Whether no retry of an action is left. */
export function isExhausted(remediation: Remediation, status: Status): boolean {
  const { retries, action } = remediation;
  return retries >= 0 && failureCount(status, action) > retries;
}

/**
 * Returns the time until a failed action is tried again in milliseconds when its strategy is RetryOnFailure; undefined
 * when failures are remediated instead.
 *
 * @param byDefault whether RetryOnFailure is the strategy of who names none
 */
export function retryIntervalOf(
  { spec }: HelmRelease,
  action: ReleaseAction | undefined,
  byDefault: boolean,
): number | undefined {
  if (action === undefined) return undefined;
  const strategy = spec[action]?.strategy;
  const isRetry = strategy === undefined ? byDefault : strategy.name === 'RetryOnFailure';
  if (!isRetry) return undefined;
  const field = `spec.${action}.strategy.retryInterval`;
  return specDuration(strategy?.retryInterval ?? defaultRetryInterval, field);
}
