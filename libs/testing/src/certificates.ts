import { generateKeyPairSync } from 'node:crypto';
import type { CertificateAuthority } from './certificate-authority.ts';

export type { CertificateAuthority, CertificatePair } from './certificate-authority.ts';

/** A certificate authority for one test run; its key never leaves this process. */
export async function createCertificateAuthority(
  commonName?: string,
): Promise<CertificateAuthority> {
  // Loaded when it is needed: it takes a sixth of what this room takes to load, and few tests make certificates.
  const authority = await import('./certificate-authority.ts');
  return authority.createCertificateAuthority(commonName);
}

/** A key pair for signing ServiceAccount tokens, PEM. */
export function createSigningKey(): { privateKey: string; publicKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}
