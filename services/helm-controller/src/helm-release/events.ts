import {
  eventAppVersionKey,
  eventOciDigestKey,
  eventRevisionKey,
  eventTokenKey,
} from '@sluice/shared/api';
import { maskedError, tellDrift } from '@sluice/shared/applier';
import type { ReconcileError } from '@sluice/shared/base';
import type { Snapshot } from '../release/snapshot.ts';
import type { Run } from './run.ts';

/** What an event is about. */
interface Subject {
  chartVersion: string;
  configDigest?: string | undefined;
  appVersion?: string | undefined;
  ociDigest?: string | undefined;
}

function metadataOf(subject: Subject): Record<string, string> {
  const { chartVersion, configDigest, appVersion, ociDigest } = subject;
  return {
    [eventRevisionKey]: chartVersion,
    ...(configDigest && { [eventTokenKey]: configDigest }),
    ...(appVersion && { [eventAppVersionKey]: appVersion }),
    ...(ociDigest && { [eventOciDigestKey]: ociDigest }),
  };
}

/** Returns what events are about that concern what is being released, or, before that is known, what was last tried. */
export function desiredMetadata({ object, desired }: Run): Record<string, string> {
  if (desired !== undefined) {
    const { version, appVersion } = desired.chart.metadata;
    const { configDigest, ociDigest } = desired;
    const subject = { chartVersion: version, configDigest, appVersion, ociDigest };
    return { ...metadataOf(subject), ...desired.origin };
  }
  const { lastAttemptedRevision, lastAttemptedConfigDigest } = object.status ?? {};
  if (lastAttemptedRevision === undefined) return {};
  return metadataOf({
    chartVersion: lastAttemptedRevision,
    configDigest: lastAttemptedConfigDigest,
  });
}

/** Returns what events are about that concern one revision; where it comes from is known of the one that is desired. */
function metadataAbout({ desired }: Run, about: Snapshot): Record<string, string> {
  const isDesired =
    desired?.configDigest === about.configDigest &&
    desired.chart.metadata.version === about.chartVersion;
  return { ...metadataOf(about), ...(isDesired && desired.origin) };
}

/**
 * Announces that an action on a release succeeded; it can be told about what was released.
 *
 * @param o `facts` are metadata about just that
 */
export function saySuccess(
  run: Run,
  o: { reason: string; message: string; about: Snapshot; facts?: Record<string, string> },
): Promise<void> {
  run.ctx.logger.info({ reason: o.reason }, 'Action succeeded');
  return run.ctx.event({
    severity: 'info',
    reason: o.reason,
    message: run.masker.mask(o.message),
    metadata: { ...metadataAbout(run, o.about), ...o.facts },
  });
}

/**
 * Announces something on which people may want to act.
 *
 * @param o `facts` are metadata about just that
 */
export function sayFailure(
  run: Run,
  o: { reason: string; message: string; about?: Snapshot; facts?: Record<string, string> },
): Promise<void> {
  const message = run.masker.mask(o.message);
  const about = o.about === undefined ? desiredMetadata(run) : metadataAbout(run, o.about);
  run.ctx.logger.error({ reason: o.reason, error: message }, 'Action failed');
  return run.ctx.event({
    severity: 'error',
    reason: o.reason,
    message,
    metadata: { ...about, ...o.facts },
  });
}

/** Announces a step that only people who look at the object need to know. */
export function sayTrace(run: Run, reason: string, message: string): Promise<void> {
  return run.ctx.event({ severity: 'trace', reason, message: run.masker.mask(message) });
}

/** Announces drift, or that it was corrected. */
export function sayDrift(
  run: Run,
  reason: 'DriftDetected' | 'DriftCorrected',
  message: string,
): Promise<void> {
  return tellDrift(run, reason, { message, metadata: desiredMetadata(run) });
}

/** Returns an expected error with what it is about, and without values of Secrets. */
export function describeError(run: Run, error: ReconcileError): ReconcileError {
  return maskedError(run, error, desiredMetadata(run));
}
