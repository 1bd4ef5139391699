import { errorMessage, StalledError } from '@sluice/shared/base';
import { compileFilter } from '../semver/filter.ts';
import { verificationErrorReason } from '../source/names.ts';
import type { SourceContext } from '../source/source.ts';
import { failVerification, noteVerified } from '../source/status.ts';
import type { VerificationDeps, VerifySpec } from './deps.ts';

/**
 * Refuses a verification that can never succeed as it is asked for, before anything is fetched.
 *
 * @throws StalledError `VerificationError` that names the field and the fix
 */
export function checkVerifySpec(
  { status }: SourceContext,
  verify: VerifySpec | undefined,
  { trustedRootPath, publicRoot }: Pick<VerificationDeps, 'trustedRootPath' | 'publicRoot'>,
): void {
  if (verify === undefined) {
    noteVerified(status, undefined);
    return;
  }
  const problem =
    verify.provider === 'notation'
      ? problemOfNotation(verify)
      : problemOfCosign(verify, trustedRootPath !== '' || publicRoot !== undefined);
  if (problem === undefined) return;
  failVerification(status, new StalledError(verificationErrorReason, problem));
}

function problemOfNotation({ secretRef }: VerifySpec): string | undefined {
  return secretRef === undefined
    ? 'spec.verify.secretRef must name the Secret with trustpolicy.json and certificates, for provider notation'
    : undefined;
}

function problemOfCosign(verify: VerifySpec, hasRoot: boolean): string | undefined {
  if (verify.secretRef !== undefined) return undefined;
  if (verify.trustedRootSecretRef === undefined && !hasRoot) {
    return 'spec.verify.trustedRootSecretRef must name the Secret with a trusted_root.json: without public keys in spec.verify.secretRef, signatures are keyless, and this controller fetches no trust root (or give it one with --sigstore-trusted-root or --sigstore-tuf-mirror)';
  }
  for (const [index, { issuer, subject }] of (verify.matchOIDCIdentity ?? []).entries()) {
    const field = `spec.verify.matchOIDCIdentity[${index}]`;
    const problem = problemOf(`${field}.issuer`, issuer) ?? problemOf(`${field}.subject`, subject);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOf(field: string, expression: string): string | undefined {
  try {
    compileFilter(expression);
    return undefined;
  } catch (error) {
    return `${field} is no regular expression that can be used: ${errorMessage(error)}`;
  }
}
