import { StalledError } from '@sluice/shared/base';
import { unsupportedReason, verificationErrorReason } from './names.ts';
import type { SourceContext } from './source.ts';
import { failVerification, noteVerified } from './status.ts';

/**
 * Refuses to make an artifact without the verification that was asked for.
 *
 * @throws StalledError `VerificationError`
 */
export function refuseVerification(context: SourceContext, verify: unknown): void {
  if (verify === undefined) {
    noteVerified(context.status, undefined);
    return;
  }
  const message = 'spec.verify is not supported yet: no artifact is made without verification';
  failVerification(context.status, new StalledError(verificationErrorReason, message));
}

/**
 * Refuses ways to log in that are not there.
 *
 * @param instead what to use with the provider `generic`
 * @param whose names the other object whose field it is
 * @throws StalledError that names the provider and the fix
 */
export function refuseProvider(provider: string | undefined, instead: string, whose = ''): void {
  if (provider === undefined || provider === 'generic') return;
  throw new StalledError(
    unsupportedReason,
    `spec.provider '${provider}'${whose} is not supported yet: use generic with ${instead}`,
  );
}
