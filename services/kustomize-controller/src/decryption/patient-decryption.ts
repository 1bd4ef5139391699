import { formatDuration, sha256Hex } from '@sluice/shared/base';
import { type EncryptedFile, endsWithin, LaterError } from '@sluice/shared/cli';
import { buildFailed } from '../builder/errors.ts';
import type { Decryptor } from './decrypt.ts';
import { decryptFiles } from './decrypt-files.ts';

/** Milliseconds for which a process of the builder waits for what it has to read; most is there sooner. */
const patienceMs = 1_500;

type Decrypted = Awaited<ReturnType<typeof decryptFiles>>;

/**
 * Decrypts files for a build, which does not wait long for them: it ends with a LaterError, so that its process serves
 * others, and is carried out again after {@link wait}.
 */
export class PatientDecryption {
  readonly #decryptor: Decryptor;
  readonly #started = new Map<string, Promise<Decrypted>>();
  #pending: Promise<Decrypted> | undefined;

  constructor(decryptor: Decryptor) {
    this.#decryptor = decryptor;
  }

  /**
   * Decrypts what a build asks for, or returns what an earlier one was told.
   *
   * @throws LaterError when it takes longer; what {@link decryptFiles} throws
   */
  async decrypt(files: readonly EncryptedFile[]): Promise<Decrypted> {
    const id = idOf(files);
    const started = this.#started.get(id) ?? decryptFiles(files, this.#decryptor);
    this.#started.set(id, started);
    if (await endsWithin(started, patienceMs)) return started;
    this.#pending = started;
    throw new LaterError('not decrypted yet');
  }

  /**
   * Waits for what the last build went without; the next one is told of a failure.
   *
   * @throws RetryableError BuildFailed when that takes too long
   */
  async wait(): Promise<void> {
    const { timeoutMs } = this.#decryptor;
    if (this.#pending === undefined || (await endsWithin(this.#pending, timeoutMs))) return;
    throw buildFailed(
      `decryption took longer than ${formatDuration(timeoutMs)}: raise spec.timeout`,
    );
  }
}

function idOf(files: readonly EncryptedFile[]): string {
  const parts = files.map(({ path, role, content }) => [path, role, sha256Hex(content)]);
  return sha256Hex(JSON.stringify(parts));
}
