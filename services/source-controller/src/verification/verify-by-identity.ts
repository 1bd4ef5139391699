import { X509Certificate } from 'node:crypto';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type Signer, toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { compileFilter } from '../semver/filter.ts';
import { SignatureError, TrustedKeyError } from '../signature/signature-error.ts';
import { checkSimpleClaim, checkStatement } from './claims.ts';
import type { CosignSignature } from './cosign-signatures.ts';
import { bundleOfSimple } from './simple-bundle.ts';
import { envelopeOf, parseBundle } from './verify-by-key.ts';

/** Who may have signed: regular expressions in Go's syntax. */
export interface Identity {
  issuer: string;
  subject: string;
}

const codeSigning = '1.3.6.1.5.5.7.3.3';
/** Longest subject or issuer that is compared, in characters. */
const maxNameLength = 2048;

/**
 * Prepares to check keyless signatures.
 *
 * @param text JSON of the trust root: whose certificates, logs and time stamps count
 * @throws TrustedKeyError when it cannot be used
 */
export function createVerifier(text: string): Verifier {
  try {
    // One entry in a log, one promise of the log of certificates, and a time that one of both, or an authority, vouches for.
    return new Verifier(toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(text))), {
      tlogThreshold: 1,
      ctlogThreshold: 1,
      timestampThreshold: 1,
    });
  } catch {
    throw new TrustedKeyError('the trust root cannot be read: it must be a trusted_root.json');
  }
}

/**
 * Checks that somebody with one of the identities signed what cosign signs for a digest, in the sight of a log.
 *
 * @param identities any one when empty
 * @returns the signer, in words
 * @throws SignatureError when that is not so
 */
export function verifyByIdentity(
  signature: CosignSignature,
  verifier: Verifier,
  { digest, identities }: { digest: string; identities: readonly Identity[] },
): string {
  const isSimple = signature.format === 'simple';
  const bundle = isSimple ? bundleOfSimple(signature) : parseBundle(signature.json);
  const artifact = isSimple ? Buffer.from(signature.payload) : undefined;
  checkUsage(bundle.verificationMaterial.content);
  let signer: Signer;
  try {
    signer = verifier.verify(toSignedEntity(bundle, artifact));
  } catch (error) {
    throw new SignatureError(explained(error));
  }
  if (isSimple) checkSimpleClaim(signature.payload, digest);
  else {
    const { payloadType, payload } = envelopeOf(bundle);
    checkStatement(payloadType, payload, digest);
  }
  return checkIdentity(signer, identities);
}

/** The authority may issue certificates for other purposes as well. */
function checkUsage(
  material: ReturnType<typeof parseBundle>['verificationMaterial']['content'],
): void {
  if (material.$case === 'publicKey') throw new SignatureError('it was made with a key of its own');
  const { rawBytes } =
    material.$case === 'certificate'
      ? material.certificate
      : (material.x509CertificateChain.certificates[0] ?? {});
  let usages: string[];
  try {
    usages = new X509Certificate(rawBytes ?? Buffer.alloc(0)).keyUsage ?? [];
  } catch {
    throw new SignatureError('its certificate cannot be read');
  }
  if (!usages.includes(codeSigning)) {
    throw new SignatureError('its certificate is not one for signing');
  }
}

function checkIdentity({ identity }: Signer, identities: readonly Identity[]): string {
  const { subjectAlternativeName: subject = '', extensions } = identity ?? {};
  const issuer = extensions?.issuer ?? '';
  if (subject.length > maxNameLength || issuer.length > maxNameLength) {
    throw new SignatureError(`its certificate has a name of over ${maxNameLength} characters`);
  }
  const who = `'${subject}' of issuer '${issuer}'`;
  const matches = (pattern: string, text: string) => compileFilter(pattern).matcher(text).find();
  const isTrusted = identities.some(
    (one) => matches(one.issuer, issuer) && matches(one.subject, subject),
  );
  if (isTrusted || identities.length === 0) return who;
  throw new SignatureError(
    `it was made by ${who}, whom spec.verify.matchOIDCIdentity does not name`,
  );
}

function explained(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  return code === undefined ? 'it cannot be read' : message;
}
