import { SignatureError } from '../signature/signature-error.ts';

/** What a statement says when it is a signature: others, such as the result of a scan, approve of nothing. */
const signatureType = 'https://sigstore.dev/cosign/sign/v1';
/** Types of what cosign signs for an image. */
const simpleTypes = ['cosign container image signature', signatureType] as const;
const statementType = /^https:\/\/in-toto\.io\/Statement\/v(?:0\.1|1)$/;
/** Media type of a statement inside of an envelope. */
export const inTotoType = 'application/vnd.in-toto+json';

interface SimpleClaim {
  critical?: { type?: unknown; image?: { 'docker-manifest-digest'?: unknown } };
}

interface Statement {
  _type?: unknown;
  predicateType?: unknown;
  subject?: { digest?: Record<string, unknown> }[];
}

/**
 * Checks that a signed payload is about a digest: a registry can show any signature beside any content.
 *
 * @throws SignatureError when it is about something else
 */
export function checkSimpleClaim(payload: Uint8Array, digest: string): void {
  const { critical } = parse<SimpleClaim>(payload);
  if (!(simpleTypes as readonly unknown[]).includes(critical?.type)) {
    throw new SignatureError('what was signed is no signature of an image by cosign');
  }
  const signed = critical?.image?.['docker-manifest-digest'];
  if (signed !== digest) throw other([signed]);
}

/**
 * Checks that a signed statement is about a digest.
 *
 * @param type media type of the statement
 * @throws SignatureError when it is about something else
 */
export function checkStatement(type: string, payload: Uint8Array, digest: string): void {
  const { _type, predicateType, subject } = parse<Statement>(payload);
  const isStatement = typeof _type === 'string' && statementType.test(_type);
  if (type !== inTotoType || !isStatement || !Array.isArray(subject)) {
    throw new SignatureError('what was signed is no in-toto statement');
  }
  if (predicateType !== signatureType) {
    throw new SignatureError('what was signed is an attestation, no signature by cosign');
  }
  const [algorithm = '', hex] = digest.split(':');
  const signed = subject.map((one) => one?.digest?.[algorithm]);
  if (!signed.includes(hex)) throw other(signed.map((one) => `${algorithm}:${one}`));
}

function other(signed: unknown[]): SignatureError {
  const digests = signed.map((one) => String(one).slice(0, 140)).slice(0, 3);
  return new SignatureError(`it was signed for ${digests.join(', ') || 'nothing'}`);
}

function parse<T>(payload: Uint8Array): T {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as T;
  } catch {
    // Reported below.
  }
  throw new SignatureError('what was signed is no JSON object');
}
