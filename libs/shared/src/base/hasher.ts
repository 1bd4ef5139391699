import { createHash } from 'node:crypto';
import type { DigestAlgorithm } from './digest.ts';

/** Computes the digest of content that comes in parts. */
export interface Hasher {
  update(part: Uint8Array): void;
  /** Ends it, and returns the digest as `algorithm:hex`. */
  digest(): string;
}

/** Begins a digest. What Node does not have itself is loaded with its first use. */
export async function createHasher(algorithm: DigestAlgorithm): Promise<Hasher> {
  const hash = algorithm === 'blake3' ? await createBlake3() : createHash(algorithm);
  return {
    update: (part) => void hash.update(part),
    digest: () => `${algorithm}:${hash.digest('hex')}`,
  };
}

async function createBlake3() {
  const { createBLAKE3 } = await import('hash-wasm');
  return createBLAKE3();
}
