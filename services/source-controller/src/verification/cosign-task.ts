import { SignatureError } from '../signature/signature-error.ts';
import type { CosignSignature } from './cosign-signatures.ts';
import type { Identity } from './verify-by-identity.ts';

/** Checking signatures of cosign, as a thread can do it. */
export interface CosignTask {
  /** Of the manifest that has to be signed. */
  digest: string;
  signatures: CosignSignature[];
  trust: KeyTrust | RootTrust;
}

/** Who holds one of these keys is trusted: PEM texts by their names. */
export interface KeyTrust {
  keys: Record<string, string>;
}

/** Whom these authorities have issued a certificate is trusted, if it is one of the identities. */
export interface RootTrust {
  /** JSON of a `trusted_root.json`. */
  root: string;
  identities: Identity[];
}

/**
 * Checks that one of the signatures is a trusted one of the digest.
 *
 * @returns whose it is, in words
 * @throws SignatureError that says what is wrong with each
 * @throws TrustedKeyError when a key or the trust root cannot be read
 */
export async function verifyCosign({ digest, signatures, trust }: CosignTask): Promise<string> {
  const verify = 'keys' in trust ? await byKeys(trust, digest) : await byRoot(trust, digest);
  const reasons = new Set<string>();
  for (const signature of signatures) {
    try {
      return verify(signature);
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      reasons.add(error.message);
    }
  }
  throw new SignatureError([...reasons].join('; ') || 'it is not signed');
}

type Verify = (signature: CosignSignature) => string;

async function byKeys(trust: KeyTrust, digest: string): Promise<Verify> {
  const { readKeys, verifyByKey } = await import('./verify-by-key.ts');
  const keys = readKeys(trust.keys);
  return (signature) => `key '${verifyByKey(signature, keys, digest)}'`;
}

async function byRoot({ root, identities }: RootTrust, digest: string): Promise<Verify> {
  const { createVerifier, verifyByIdentity } = await import('./verify-by-identity.ts');
  const verifier = createVerifier(root);
  return (signature) => verifyByIdentity(signature, verifier, { digest, identities });
}
