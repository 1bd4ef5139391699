import { readFile } from 'node:fs/promises';
import { errorMessage } from '@sluice/shared/base';
import { SignatureError, TrustedKeyError } from '../signature/signature-error.ts';
import type { SourceContext } from '../source/source.ts';
import { type CosignSignature, findBundles, findSimpleSignatures } from './cosign-signatures.ts';
import type { KeyTrust, RootTrust } from './cosign-task.ts';
import type { SignedContent, VerificationDeps, VerifySpec } from './deps.ts';
import { readTrust } from './read-trust.ts';
import { verifyCosignInThread } from './verification-workers.ts';

const keyEnding = '.pub';
const trustedRootKey = 'trusted_root.json';

/**
 * Checks the signatures that cosign has stored beside some content: bundles first, then those of its older versions.
 *
 * @returns who signed, in words
 * @throws SignatureError when nobody who is trusted did; TrustedKeyError, RetryableError when keys or trust root cannot
 *   be read; HttpError, RegistryAuthError, ManifestError when signatures cannot be
 */
export async function verifyWithCosign(
  context: SourceContext,
  deps: VerificationDeps,
  verify: VerifySpec,
  { client, digest, limit }: SignedContent,
): Promise<string> {
  const trust = await trustOf(context, deps, verify, limit.signal);
  const turn = { share: context.object.metadata.namespace ?? '', signal: limit.signal };
  const check = (signatures: CosignSignature[]) =>
    verifyCosignInThread({ digest, signatures, trust }, turn);
  const bundles = await findBundles(client, digest);
  const why = bundles.length === 0 ? undefined : await failureOf(() => check(bundles));
  if (why !== undefined && 'signer' in why) return why.signer;
  const older = await findSimpleSignatures(client, digest);
  const last = older.length === 0 ? undefined : await failureOf(() => check(older));
  if (last !== undefined && 'signer' in last) return last.signer;
  const reasons = [why, last].flatMap((one) => (one === undefined ? [] : [one.failure]));
  const reference = `${client.address.host}/${client.address.repository}@${digest}`;
  throw new SignatureError(
    `no matching signatures were found for '${reference}': ${reasons.join('; ') || 'it is not signed'}`,
  );
}

async function failureOf(
  check: () => Promise<string>,
): Promise<{ signer: string } | { failure: string }> {
  try {
    return { signer: await check() };
  } catch (error) {
    if (error instanceof SignatureError) return { failure: error.message };
    throw error;
  }
}

async function trustOf(
  context: SourceContext,
  deps: VerificationDeps,
  { secretRef, trustedRootSecretRef, matchOIDCIdentity = [] }: VerifySpec,
  signal: AbortSignal,
): Promise<KeyTrust | RootTrust> {
  if (secretRef !== undefined) {
    const values = await readTrust(context, secretRef.name, 'spec.verify.secretRef');
    const keys = Object.entries(values).filter(([name]) => name.endsWith(keyEnding));
    if (keys.length > 0) return { keys: Object.fromEntries(keys) };
    throw new TrustedKeyError(`it has no public key: names of keys must end in ${keyEnding}`);
  }
  const identities = matchOIDCIdentity.map(({ issuer, subject }) => ({ issuer, subject }));
  if (trustedRootSecretRef === undefined) {
    return { root: await readRoot(deps, signal), identities };
  }
  const field = 'spec.verify.trustedRootSecretRef';
  const values = await readTrust(context, trustedRootSecretRef.name, field);
  const root = values[trustedRootKey];
  if (root === undefined) throw new TrustedKeyError(`it has no key ${trustedRootKey}`);
  return { root, identities };
}

async function readRoot(
  { trustedRootPath, publicRoot }: VerificationDeps,
  signal: AbortSignal,
): Promise<string> {
  if (trustedRootPath === '' && publicRoot !== undefined) return publicRoot.read(signal);
  try {
    return await readFile(trustedRootPath, 'utf8');
  } catch (error) {
    throw new TrustedKeyError(`it cannot be read: ${errorMessage(error)}`);
  }
}
