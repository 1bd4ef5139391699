import { formatDuration } from '../base/index.ts';
import { DataKeyError } from './sops-file.ts';
import type { DataKeyRequest, SopsKey } from './sops-key.ts';

/**
 * Opens the data key of a file, or a share of it.
 *
 * @throws DataKeyError when it cannot be had with that key
 */
export type OpenDataKey = (request: DataKeyRequest, signal: AbortSignal) => Promise<Uint8Array>;

/** What a program asks for is not there yet: it is to be run again once it is. */
export class LaterError extends Error {
  override name = 'LaterError';
}

/** Keys of one file that are asked for in one run; each may cost work. */
const maxKeys = 500;
/** Of those, keys that a service in the network has. */
const maxServiceKeys = 50;
/** For all services that one file names, together. */
const maxServiceMs = 60_000;
/** Milliseconds for which a run waits for a service; most answer sooner. */
const patienceMs = 1_000;

const local: readonly SopsKey['kind'][] = ['age', 'pgp'];

/** How the data keys of one file are opened. */
export interface DataKeyOptions {
  open: OpenDataKey;
  /** Milliseconds for all services, a minute at most. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/**
 * What is answered to the runs of sops on one file, within the limits of a file. A run does not wait long for a service:
 * it ends without the key, and the next one, after {@link wait}, has the answer at once. Services are asked one after
 * the other, as sops does, and no more of them.
 */
export class DataKeyAnswers {
  readonly #open: OpenDataKey;
  readonly #signal: AbortSignal;
  readonly #serviceMs: number;
  #services: AbortSignal | undefined;
  readonly #started = new Map<string, Promise<Uint8Array>>();
  readonly #ended = new Set<string>();
  #later: DataKeyRequest[] = [];
  #keys = 0;
  #serviceKeys = 0;

  constructor({ open, timeoutMs, signal }: DataKeyOptions) {
    this.#open = open;
    this.#signal = signal ?? new AbortController().signal;
    this.#serviceMs = Math.min(maxServiceMs, timeoutMs);
  }

  /** Whether the last run ended without keys that are still being asked for. */
  get isWaiting(): boolean {
    return this.#later.length > 0;
  }

  /**
   * Answers a run.
   *
   * @throws DataKeyError when the key cannot be had, or is one too many; LaterError when it takes longer; what opening it
   * throws otherwise
   */
  async answer(request: DataKeyRequest): Promise<Uint8Array> {
    this.#count(request.key);
    const id = idOf(request);
    if (local.includes(request.key.kind)) return this.#start(request, this.#signal);
    if (!this.#ended.has(id)) {
      const isFirst = !this.isWaiting;
      if (!isFirst || !(await endsWithin(this.#ask(request), patienceMs))) {
        this.#later.push(request);
        throw new LaterError('not answered yet');
      }
    }
    return this.#ask(request);
  }

  /** Waits until one of the keys that the last run had to do without is opened, or none can be, and begins a new run. */
  async wait(): Promise<void> {
    this.#keys = 0;
    this.#serviceKeys = 0;
    for (const request of this.#later.splice(0)) {
      const isOpened = await this.#ask(request).then(
        () => true,
        // The next run is told why.
        () => false,
      );
      if (isOpened) return;
    }
  }

  #count({ kind }: SopsKey): void {
    if (++this.#keys > maxKeys) {
      throw new DataKeyError(`more than ${maxKeys} keys are named: encrypt it for fewer`);
    }
    if (local.includes(kind) || ++this.#serviceKeys <= maxServiceKeys) return;
    throw new DataKeyError(
      `more than ${maxServiceKeys} keys of services are named: encrypt it for fewer`,
    );
  }

  #ask(request: DataKeyRequest): Promise<Uint8Array> {
    this.#services ??= AbortSignal.any([this.#signal, AbortSignal.timeout(this.#serviceMs)]);
    return this.#start(request, this.#services);
  }

  #start(request: DataKeyRequest, signal: AbortSignal): Promise<Uint8Array> {
    const id = idOf(request);
    const started = this.#started.get(id) ?? this.#opened(request, signal);
    this.#started.set(id, started);
    return started;
  }

  async #opened(request: DataKeyRequest, signal: AbortSignal): Promise<Uint8Array> {
    try {
      return await this.#open(request, signal);
    } catch (error) {
      if (!signal.aborted || this.#signal.aborted) throw error;
      const limit = formatDuration(this.#serviceMs);
      throw new DataKeyError(`the services of its keys took longer than ${limit} together`, {
        cause: error,
      });
    } finally {
      this.#ended.add(idOf(request));
    }
  }
}

function idOf(request: DataKeyRequest): string {
  return JSON.stringify(request);
}

/** Tells whether something ends, well or not, within so many milliseconds. */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  const end = () => resolve(true);
  work.then(end, end);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
