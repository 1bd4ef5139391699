import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { dsse } from '@sigstore/core';
import { SignatureError, TrustedKeyError } from '../signature/signature-error.ts';
import { checkSimpleClaim, checkStatement } from './claims.ts';
import type { CosignSignature } from './cosign-signatures.ts';

/** A key that is trusted, and where it is. */
export interface TrustedKey {
  name: string;
  key: KeyObject;
}

const leastRsaBits = 2048;
const pemPattern = /^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----/;

/**
 * Reads public keys as cosign writes them.
 *
 * @param texts PEM texts by their names
 * @throws TrustedKeyError that names the one which cannot be used
 */
export function readKeys(texts: Record<string, string>): TrustedKey[] {
  return Object.entries(texts).map(([name, text]) => ({ name, key: readKey(name, text) }));
}

function readKey(name: string, text: string): KeyObject {
  // A private key, or a certificate, would be read as well.
  if (!pemPattern.test(text)) throw new TrustedKeyError(`${name} is no public key in PEM`);
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    throw new TrustedKeyError(`${name} is no public key that can be read`);
  }
  const { asymmetricKeyType: type = '', asymmetricKeyDetails } = key;
  if (!['ec', 'rsa', 'ed25519'].includes(type)) {
    throw new TrustedKeyError(`${name} is a key of type '${type}', not of ECDSA, RSA or Ed25519`);
  }
  if (type === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < leastRsaBits) {
    throw new TrustedKeyError(`${name} is an RSA key of less than ${leastRsaBits} bits`);
  }
  return key;
}

/**
 * Checks that a key signed what cosign signs for a digest.
 *
 * @returns the name of the key
 * @throws SignatureError when none of the keys did, or for another digest
 */
export function verifyByKey(
  signature: CosignSignature,
  keys: readonly TrustedKey[],
  digest: string,
): string {
  const { signed, bytes, checkClaim } = contentOf(signature);
  const signer = keys.find(({ key }) => isSignedBy(key, signed, bytes));
  if (signer === undefined) throw new SignatureError('no trusted key made it');
  checkClaim(digest);
  return signer.name;
}

interface Content {
  signed: Buffer;
  bytes: Buffer;
  checkClaim(digest: string): void;
}

function contentOf(signature: CosignSignature): Content {
  if (signature.format === 'simple') {
    const { payload } = signature;
    return {
      signed: Buffer.from(payload),
      bytes: Buffer.from(signature.signature, 'base64'),
      checkClaim: (digest) => checkSimpleClaim(payload, digest),
    };
  }
  const { payloadType, payload, signatures } = envelopeOf(parseBundle(signature.json));
  return {
    signed: dsse.preAuthEncoding(payloadType, payload),
    bytes: signatures[0]?.sig ?? Buffer.alloc(0),
    checkClaim: (digest) => checkStatement(payloadType, payload, digest),
  };
}

/**
 * Reads a bundle.
 *
 * @throws SignatureError when it is none
 */
export function parseBundle(json: string): ReturnType<typeof bundleFromJSON> {
  try {
    return bundleFromJSON(JSON.parse(json));
  } catch {
    throw new SignatureError('its bundle cannot be read');
  }
}

/**
 * Takes the envelope out of a bundle.
 *
 * @throws SignatureError when it has none: cosign signs images in envelopes
 */
export function envelopeOf({ content }: ReturnType<typeof parseBundle>) {
  if (content.$case === 'dsseEnvelope') return content.dsseEnvelope;
  throw new SignatureError('its bundle holds no envelope');
}

function isSignedBy(key: KeyObject, signed: Buffer, bytes: Buffer): boolean {
  try {
    return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', signed, key, bytes);
  } catch {
    // A signature of another kind of key.
    return false;
  }
}
