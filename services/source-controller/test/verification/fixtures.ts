import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { dsse } from '@sigstore/core';
import { type Sigstore, startSigstore, tokenOf } from '@sluice/testing';
import type { CosignSignature } from '../../src/verification/cosign-signatures.ts';

/** Signatures of one content, in both forms of cosign, by a key and without one. */
export interface Fixtures {
  digest: string;
  publicKey: string;
  trustedRoot: string;
  /** The same authorities, which had stopped before. */
  endedRoot: string;
  signatures: { by: 'key' | 'identity'; signature: CosignSignature }[];
}

/** Who signed without a key. */
export const who = {
  subject: 'https://ci.example.com/team/app',
  issuer: 'https://issuer.example.com',
};

const statementType = 'application/vnd.in-toto+json';
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest();
const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');

/** Makes them as cosign does, for some content, with services of Sigstore that are stopped afterwards. */
export async function makeFixtures(): Promise<Fixtures> {
  const sigstore = await startSigstore();
  const digest = `sha256:${sha256(Buffer.from('content')).toString('hex')}`;
  const fixtures = await makeSignatures(sigstore, digest);
  await sigstore.stop();
  return fixtures;
}

/** Makes them as cosign does, for a digest. */
export async function makeSignatures(sigstore: Sigstore, digest: string): Promise<Fixtures> {
  const own = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const ephemeral = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const certificate = await certificateFor(sigstore, ephemeral.publicKey);
  const signatures: Fixtures['signatures'] = [
    {
      by: 'key',
      signature: bundleOf(digest, signStatement(digest, own.privateKey), {
        publicKey: { hint: '' },
        tlogEntries: [],
      }),
    },
    { by: 'key', signature: simpleOf(digest, own.privateKey) },
    {
      by: 'identity',
      signature: await keylessBundle(sigstore, digest, { ...ephemeral, certificate }),
    },
    {
      by: 'identity',
      signature: await keylessSimple(sigstore, digest, { ...ephemeral, certificate }),
    },
  ];
  const { trustedRoot, endedRoot } = sigstore;
  const publicKey = own.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  return { digest, publicKey, trustedRoot, endedRoot, signatures };
}

interface Signer {
  privateKey: KeyObject;
  certificate: string;
}

interface LogEntry {
  body: string;
  integratedTime: number;
  logID: string;
  logIndex: number;
  verification: {
    inclusionProof: {
      checkpoint: string;
      hashes: string[];
      logIndex: number;
      rootHash: string;
      treeSize: number;
    };
    signedEntryTimestamp: string;
  };
}

async function post<T>(url: string, body: object): Promise<T> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function certificateFor({ url }: Sigstore, key: KeyObject): Promise<string> {
  const content = key.export({ format: 'pem', type: 'spki' }).toString();
  const answer = await post<{
    signedCertificateEmbeddedSct: { chain: { certificates: [string] } };
  }>(`${url}/api/v2/signingCert`, {
    credentials: { oidcIdentityToken: tokenOf(who) },
    publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content } },
  });
  return answer.signedCertificateEmbeddedSct.chain.certificates[0];
}

async function log({ url }: Sigstore, entry: object): Promise<LogEntry> {
  const answer = await post<Record<string, LogEntry>>(`${url}/api/v1/log/entries`, entry);
  return Object.values(answer)[0] as LogEntry;
}

function simpleOf(digest: string, key: KeyObject): Extract<CosignSignature, { format: 'simple' }> {
  const claim = {
    critical: {
      identity: { 'docker-reference': 'registry.example.com/app' },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  };
  const payload = Buffer.from(JSON.stringify(claim));
  return { format: 'simple', payload, signature: base64(sign('sha256', payload, key)) };
}

async function keylessSimple(sigstore: Sigstore, digest: string, signer: Signer) {
  const signature = simpleOf(digest, signer.privateKey);
  const { certificate } = signer;
  const { body, integratedTime, logID, logIndex, verification } = await log(sigstore, {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: sha256(signature.payload).toString('hex') } },
      signature: { content: signature.signature, publicKey: { content: base64(certificate) } },
    },
  });
  const logEntry = JSON.stringify({
    SignedEntryTimestamp: verification.signedEntryTimestamp,
    Payload: { body, integratedTime, logIndex, logID },
  });
  return { ...signature, certificate, logEntry };
}

function statementOf(digest: string): Buffer {
  const [, sha = ''] = digest.split(':');
  return Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: sha } }],
      predicateType: 'https://sigstore.dev/cosign/sign/v1',
      predicate: {},
    }),
  );
}

function signStatement(digest: string, key: KeyObject): Buffer {
  return sign('sha256', dsse.preAuthEncoding(statementType, statementOf(digest)), key);
}

function bundleOf(
  digest: string,
  signed: Buffer,
  verificationMaterial: { tlogEntries: object[]; [field: string]: unknown },
): CosignSignature {
  const bundle = {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial,
    dsseEnvelope: {
      payload: base64(statementOf(digest)),
      payloadType: statementType,
      signatures: [{ sig: base64(signed), keyid: '' }],
    },
  };
  return { format: 'bundle', json: JSON.stringify(bundle) };
}

async function keylessBundle(sigstore: Sigstore, digest: string, signer: Signer) {
  const signed = signStatement(digest, signer.privateKey);
  const value = sha256(statementOf(digest)).toString('hex');
  const { body, integratedTime, logID, logIndex, verification } = await log(sigstore, {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: { algorithm: 'sha256', value },
      payloadHash: { algorithm: 'sha256', value },
      signatures: [{ signature: base64(signed), verifier: base64(signer.certificate) }],
    },
  });
  const proof = verification.inclusionProof;
  const entry = {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(logID, 'hex').toString('base64') },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: Buffer.from(proof.rootHash, 'hex').toString('base64'),
      treeSize: String(proof.treeSize),
      hashes: [],
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: body,
  };
  const der = signer.certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  return bundleOf(digest, signed, { certificate: { rawBytes: der }, tlogEntries: [entry] });
}
