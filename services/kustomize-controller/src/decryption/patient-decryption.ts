import type { KubeObject } from '@sluice/shared/api';
import {
  type Clock,
  formatDuration,
  mapConcurrently,
  sha256Hex,
  type Timer,
} from '@sluice/shared/base';
import { type EncryptedFile, endsWithin, LaterError } from '@sluice/shared/cli';
import { buildFailed } from '../builder/errors.ts';
import type { Decryptor } from './decrypt.ts';
import { decryptFiles } from './decrypt-files.ts';
import { decryptSecretData, mayHoldFiles } from './decrypt-secrets.ts';

/** Milliseconds for which a build waits for what it has to read; most is there sooner. */
const patienceMs = 1_500;
/** Secrets of one build whose data are decrypted at the same time. */
const concurrency = 8;

/** What the decryptions of a build need. */
export interface PatientDecryptionOptions extends Omit<Decryptor, 'onSecret' | 'signal'> {
  /** Names everything that the build is made of. */
  input: string;
  clock: Clock;
  /** Ends them. */
  signal: AbortSignal;
  /** Called when what the last build went without is there, refused, or out of time. */
  onEnd(): void;
}

/**
 * Decrypts for a build, which does not wait long: it ends with a LaterError, so that its process and its reconcile serve
 * others, and is carried out again once the rest is there. Nothing is decrypted twice for it.
 */
export class PatientDecryption {
  readonly input: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly deadlineAt: number;
  readonly #options: PatientDecryptionOptions;
  readonly #decryptor: Decryptor;
  readonly #ending = new AbortController();
  readonly #timer: Timer;
  readonly #secrets = new Set<string>();
  readonly #started = new Map<string, Promise<unknown>>();
  #pending: Promise<unknown> | undefined;
  #isAbandoned = false;

  constructor(options: PatientDecryptionOptions) {
    const { input, clock, timeoutMs, signal } = options;
    this.#options = options;
    this.input = input;
    this.startedAt = clock.now();
    this.deadlineAt = this.startedAt + timeoutMs;
    this.#timer = clock.setTimer(() => this.#ending.abort(), timeoutMs);
    this.#decryptor = {
      ...options,
      signal: AbortSignal.any([signal, this.#ending.signal]),
      onSecret: (text) => this.#secrets.add(text),
    };
  }

  /** Each text that was encrypted, as far as it is decrypted. */
  get secrets(): Iterable<string> {
    return this.#secrets;
  }

  /**
   * Throws unless a build can go on.
   *
   * @throws LaterError while the last one would still have to go without something
   * @throws RetryableError BuildFailed when that has taken too long
   */
  check(): void {
    if (this.#pending === undefined) return;
    if (this.#options.clock.now() >= this.deadlineAt) throw this.#tookTooLong();
    throw new LaterError('not decrypted yet');
  }

  /**
   * Decrypts files that a build asks for, or returns what an earlier one was told.
   *
   * @throws LaterError when it takes longer; what {@link decryptFiles} throws
   */
  files(files: readonly EncryptedFile[]): ReturnType<typeof decryptFiles> {
    const parts = files.map(({ path, role, content }) => [path, role, sha256Hex(content)]);
    return this.#within(parts, () => decryptFiles(files, this.#decryptor));
  }

  /**
   * Decrypts what Secrets among built objects hold.
   *
   * @throws LaterError when it takes longer; what {@link decryptSecretData} throws
   */
  async objects(objects: readonly KubeObject[]): Promise<KubeObject[]> {
    const secrets = objects.filter(mayHoldFiles);
    if (secrets.length === 0) return [...objects];
    const decrypted = await this.#within(secrets, () =>
      mapConcurrently(secrets, concurrency, (each) => decryptSecretData(each, this.#decryptor)),
    );
    const results = new Map<KubeObject, KubeObject | undefined>(
      secrets.map((secret, at) => [secret, decrypted[at]]),
    );
    return objects.map((object) => results.get(object) ?? object);
  }

  /** Ends everything; nobody is told, and a build under way learns no more. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#pending = undefined;
    this.#timer.cancel();
    this.#ending.abort();
  }

  async #within<T>(what: unknown, work: () => Promise<T>): Promise<T> {
    const id = sha256Hex(JSON.stringify(what));
    const started = (this.#started.get(id) as Promise<T> | undefined) ?? work();
    this.#started.set(id, started);
    if (!(await endsWithin(started, patienceMs))) {
      this.#await(started);
      throw new LaterError('not decrypted yet');
    }
    try {
      return await started;
    } catch (error) {
      if (this.#isAbandoned) throw new LaterError('not wanted any more');
      throw this.#ending.signal.aborted ? this.#tookTooLong(error) : error;
    }
  }

  #await(work: Promise<unknown>): void {
    this.#pending = work;
    const end = () => {
      if (this.#pending !== work) return;
      this.#pending = undefined;
      this.#options.onEnd();
    };
    work.then(end, end);
  }

  #tookTooLong(cause?: unknown) {
    const { timeoutMs } = this.#options;
    return buildFailed(
      `decryption took longer than ${formatDuration(timeoutMs)}: raise spec.timeout`,
      cause,
    );
  }
}
