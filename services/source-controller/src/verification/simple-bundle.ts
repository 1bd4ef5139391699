import { createHash, X509Certificate } from 'node:crypto';
import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { SignatureError } from '../signature/signature-error.ts';
import type { SimpleSignature } from './cosign-signatures.ts';

/** What cosign writes beside a signature of the entry in the log. */
interface LogEntry {
  SignedEntryTimestamp: string;
  Payload: { body: string; integratedTime: number; logIndex: number; logID: string };
}

/**
 * Puts a signature and its annotations into the form of a bundle, so that both are checked alike.
 *
 * @throws SignatureError when it lacks certificate or log entry, or they cannot be read
 */
export function bundleOfSimple(signature: SimpleSignature): Bundle {
  const { payload, certificate, logEntry, timestamp } = signature;
  if (certificate === undefined) throw new SignatureError('it has no certificate');
  if (logEntry === undefined) throw new SignatureError('it has no entry of a transparency log');
  try {
    return bundleFromJSON({
      mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
      verificationMaterial: {
        x509CertificateChain: {
          certificates: [{ rawBytes: new X509Certificate(certificate).raw.toString('base64') }],
        },
        tlogEntries: [toEntry(JSON.parse(logEntry) as LogEntry)],
        ...(timestamp && { timestampVerificationData: toTimestamps(timestamp) }),
      },
      messageSignature: {
        messageDigest: {
          algorithm: 'SHA2_256',
          digest: createHash('sha256').update(payload).digest('base64'),
        },
        signature: signature.signature,
      },
    });
  } catch {
    throw new SignatureError('its certificate or log entry cannot be read');
  }
}

function toEntry({ SignedEntryTimestamp, Payload }: LogEntry) {
  const { body, integratedTime, logIndex, logID } = Payload;
  const { kind, apiVersion } = JSON.parse(Buffer.from(body, 'base64').toString('utf8')) as {
    kind: string;
    apiVersion: string;
  };
  return {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: body,
  };
}

function toTimestamps(json: string) {
  const { SignedRFC3161Timestamp } = JSON.parse(json) as { SignedRFC3161Timestamp: string };
  return { rfc3161Timestamps: [{ signedTimestamp: SignedRFC3161Timestamp }] };
}
