import { type OpenDataKey, type Sops, SopsError, type SopsFile } from '@sluice/shared/cli';
import { buildFailed } from '../builder/errors.ts';

/** Decrypts what one build reads. */
export interface Decryptor {
  sops: Sops;
  /** Opens data keys. */
  open: OpenDataKey;
  /** Whose share of the decryptions it takes: the namespace. */
  share: string;
  timeoutMs: number;
  signal?: AbortSignal;
  /** Told each text that was encrypted, so that messages can be kept free of it. */
  onSecret(text: string): void;
}

/**
 * Decrypts one file.
 *
 * @throws RetryableError BuildFailed that names the file and the fix
 */
export async function decryptFile(file: SopsFile, o: Decryptor): Promise<Buffer> {
  try {
    return await o.sops.decrypt(file, o);
  } catch (error) {
    if (error instanceof SopsError) throw buildFailed(`decryption failed: ${error.message}`, error);
    throw error;
  }
}

/** Returns every string in a value. */
export function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const child of Object.values(value)) yield* stringsIn(child);
}
