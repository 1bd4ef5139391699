import { joinLines, ReconcileError, type SecretMasker } from '@sluice/shared/base';
import type { ReconcileContext } from '@sluice/shared/runtime';

/** A reconcile of an applier, as far as it tells of what it finds; nothing it says holds values of Secrets. */
export interface Teller {
  ctx: Pick<ReconcileContext<never>, 'event' | 'logger'>;
  masker: SecretMasker;
}

/** Announces drift, or that it was corrected. */
export async function tellDrift(
  { ctx, masker }: Teller,
  reason: 'DriftDetected' | 'DriftCorrected',
  o: { message: string; metadata: Record<string, string> },
): Promise<void> {
  const isCorrected = reason === 'DriftCorrected';
  const message = joinLines([masker.mask(o.message)]);
  ctx.logger.info({ drift: message }, isCorrected ? 'Drift corrected' : 'Drift detected');
  const severity = isCorrected ? 'info' : 'error';
  await ctx.event({ severity, reason, message, metadata: o.metadata });
}

/** Returns an expected error with what it is about; what it says itself is masked. */
export function maskedError(
  { masker }: Pick<Teller, 'masker'>,
  error: ReconcileError,
  metadata: Record<string, string>,
): ReconcileError {
  return new ReconcileError(error.kind, error.reason, masker.mask(error.message), {
    retryAfterMs: error.retryAfterMs,
    metadata: { ...metadata, ...masked(error.metadata, masker) },
  });
}

function masked(metadata: Record<string, string> = {}, masker: SecretMasker) {
  const entries = Object.entries(metadata);
  return Object.fromEntries(entries.map(([key, value]) => [key, masker.mask(value)]));
}
