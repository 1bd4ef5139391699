// @peculiar/x509 needs this polyfill to be loaded before it.
import 'reflect-metadata';

import { randomBytes, type webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key, PEM. */
export interface CertificatePair {
  cert: string;
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  organizations?: string[];
  usage: 'server' | 'client';
  /** Names and addresses of a server; loopback when absent. */
  hosts?: string[];
}

export interface CertificateAuthority {
  /** The CA's certificate, PEM. */
  readonly cert: string;
  issue(request: CertificateRequest): Promise<CertificatePair>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const lifetimeMs = 365 * 24 * 3600_000;

/** A certificate authority for one test run; its key never leaves this process. */
export async function createCertificateAuthority(
  commonName = 'sluice-test-ca',
): Promise<CertificateAuthority> {
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const ca = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: nameOf(commonName, []),
    ...validity(),
    signingAlgorithm: algorithm,
    keys: caKeys,
    extensions: [
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  return {
    cert: ca.toString('pem'),
    async issue(request) {
      const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const certificate = await X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: nameOf(request.commonName, request.organizations ?? []),
        issuer: ca.subject,
        ...validity(),
        signingAlgorithm: algorithm,
        publicKey: keys.publicKey,
        signingKey: caKeys.privateKey,
        extensions: [
          ...extensionsOf(request),
          await AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
        ],
      });
      return { cert: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) };
    },
  };
}

function extensionsOf(request: CertificateRequest): Extension[] {
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
  ];
  if (request.usage === 'client') {
    extensions.push(new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]));
    return extensions;
  }
  const hosts = request.hosts ?? ['localhost', '127.0.0.1'];
  extensions.push(
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(
      hosts.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' : 'dns', value })),
    ),
  );
  return extensions;
}

function nameOf(commonName: string, organizations: string[]): string {
  const parts = organizations.map((organization) => ({ O: [organization] }));
  return new Name([...parts, { CN: [commonName] }]).toString();
}

function validity(): { notBefore: Date; notAfter: Date } {
  // Back-dated a little: two clocks on one machine may differ by their rounding to seconds.
  return { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + lifetimeMs) };
}

function serialNumber(): string {
  // The first bit must be zero, or the number would be negative.
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
