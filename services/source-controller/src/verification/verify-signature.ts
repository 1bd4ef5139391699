import { ReconcileError } from '@sluice/shared/base';
import { withSpan } from '@sluice/shared/runtime';
import { TrustedKeyError } from '../signature/signature-error.ts';
import { sourceVerifiedCondition, verificationErrorReason } from '../source/names.ts';
import { remoteOperation } from '../source/remote.ts';
import type { SourceContext } from '../source/source.ts';
import { failVerification, noteVerified } from '../source/status.ts';
import type { SignedContent, VerificationDeps, VerifySpec } from './deps.ts';
import { verifyWithCosign } from './verify-with-cosign.ts';
import { verifyWithNotation } from './verify-with-notation.ts';

/** Whether the status says that this content was verified, as the present spec asks for it. */
export function isVerified({ object, status }: SourceContext, what: string): boolean {
  const verified = status.getCondition(sourceVerifiedCondition);
  return (
    verified?.status === 'True' &&
    verified.observedGeneration === object.metadata.generation &&
    verified.message.startsWith(saidOf(what))
  );
}

/** Starts the message; the comma ends the name of the content. */
function saidOf(what: string): string {
  return `verified signature of ${what},`;
}

/**
 * Checks that content of a registry is signed as `spec.verify` asks for, and says so in the status.
 *
 * @throws RetryableError `VerificationError` when it is not, or keys cannot be read; `AuthenticationFailed` when the
 *   registry does not let the signatures be read
 */
export async function verifySignature(
  context: SourceContext,
  deps: VerificationDeps,
  verify: VerifySpec,
  content: SignedContent,
): Promise<void> {
  const isKeyless = verify.provider === 'cosign' && verify.secretRef === undefined;
  const what = `failed to verify the signature using provider '${verify.provider}${isKeyless ? ' keyless' : ''}'`;
  try {
    const signer = await remoteOperation(
      { reason: verificationErrorReason, what, limit: content.limit },
      () => withSpan('verify signature', {}, () => signerOf(context, deps, verify, content)),
    );
    const said = `${saidOf(content.what)} made by ${signer}`;
    noteVerified(context.status, signer === undefined ? undefined : said);
  } catch (error) {
    if (error instanceof ReconcileError) failVerification(context.status, error);
    throw error;
  }
}

/** Who signed, in words; undefined when the trust policy does not ask for that. */
async function signerOf(
  context: SourceContext,
  deps: VerificationDeps,
  verify: VerifySpec,
  content: SignedContent,
): Promise<string | undefined> {
  const by = verify.provider === 'notation' ? verifyWithNotation : verifyWithCosign;
  try {
    return await by(context, deps, verify, content);
  } catch (error) {
    if (!(error instanceof TrustedKeyError)) throw error;
    const { secretRef, trustedRootSecretRef } = verify;
    const name = secretRef?.name ?? trustedRootSecretRef?.name;
    const flag = deps.trustedRootPath === '' ? '--sigstore-tuf-mirror' : '--sigstore-trusted-root';
    const where = name === undefined ? flag : `secret '${name}'`;
    throw new TrustedKeyError(`${where}: ${error.message}`);
  }
}
