import { createHash, hash } from 'node:crypto';

const hexLengths = { sha256: 64, sha384: 96, sha512: 128, blake3: 64 } as const;

/** A digest algorithm that Sluice accepts for artifacts. */
export type DigestAlgorithm = keyof typeof hexLengths;

/** The names of all. */
export const digestAlgorithms = Object.keys(hexLengths) as DigestAlgorithm[];

/** A digest algorithm that Node itself has. */
export type TextDigestAlgorithm = Exclude<DigestAlgorithm, 'blake3'>;

/** A parsed `algorithm:hex` digest. */
export interface Digest {
  algorithm: DigestAlgorithm;
  hex: string;
}

/** Returns the lower-case hex SHA-256 of data. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** Returns the digest of a text as `algorithm:hex`. */
export function digestOfText(text: string, algorithm: TextDigestAlgorithm): string {
  return formatDigest({ algorithm, hex: hash(algorithm, text, 'hex') });
}

/** Whether a text names an algorithm that Sluice accepts. */
export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(hexLengths, text);
}

/** Whether a text names an algorithm that {@link digestOfText} knows. */
export function isTextDigestAlgorithm(text: string): text is TextDigestAlgorithm {
  return isDigestAlgorithm(text) && text !== 'blake3';
}

/**
 * Returns the lower-case hex SHA-256 of a list of strings, each delimited by its length, so that no two
 * different lists give the same digest.
 */
export function digestOfParts(parts: Iterable<string>): string {
  const hasher = createHash('sha256');
  for (const text of parts) hasher.update(`${Buffer.byteLength(text)}:`).update(text);
  return hasher.digest('hex');
}

/**
 * Parses `sha256:<hex>`.
 *
 * @throws RangeError when the algorithm is unknown or weak, or the hex has the wrong length
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
 */
export function parseDigest(text: string): Digest {
  const [algorithm = '', hex = '', ...rest] = text.split(':');
  if (!isDigestAlgorithm(algorithm)) {
    throw new RangeError(`digest '${text}' must start with one of ${digestAlgorithms.join(', ')}`);
  }
  if (rest.length > 0 || hex.length !== hexLengths[algorithm] || !/^[0-9a-f]+$/.test(hex)) {
    throw new RangeError(
      `digest '${text}' must have ${hexLengths[algorithm]} lower-case hexadecimal digits`,
    );
  }
  return { algorithm, hex };
}

/** Formats a digest as `algorithm:hex`. */
export function formatDigest(digest: Digest): string {
  return `${digest.algorithm}:${digest.hex}`;
}
