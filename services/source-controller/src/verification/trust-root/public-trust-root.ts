import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Clock,
  errorMessage,
  type Logger,
  orAborted,
  RetryableError,
  SingleFlight,
  sha256Hex,
} from '@sluice/shared/base';
import type { Endpoints } from '../../adapters/endpoint.ts';
import { HttpError, readBody, send } from '../../adapters/http.ts';
import { verificationErrorReason } from '../../source/names.ts';
import { whyOf } from '../../source/remote.ts';
import type { Download } from './fetch-trust-root.ts';

export interface PublicTrustRootOptions {
  endpoints: Endpoints;
  /** Address of the repository of TUF. */
  mirror: string;
  /** File with the metadata of its root that is trusted to begin with; empty for that of sigstore.dev. */
  firstRootPath: string;
  /** Directory for what was fetched. */
  dir: string;
  clock: Clock;
  logger: Logger;
}

/** Timestamps of such repositories count for days. */
const refreshMs = 24 * 60 * 60_000;
const retryMs = 60_000;
const timeoutMs = 30_000;
const maxFileBytes = 1024 * 1024;
/** The repository whose first root is known. */
export const publicRepository = 'https://tuf-repo-cdn.sigstore.dev';
const mirrorFlag = '--sigstore-tuf-mirror';

/** The trust root of a repository of TUF, which is fetched when it is first asked for and once a day after that. */
export class PublicTrustRoot {
  readonly #o: PublicTrustRootOptions;
  #last?: { root: string } | { error: RetryableError };
  #nextAt = 0;
  readonly #refreshing = new SingleFlight<string>();

  constructor(o: PublicTrustRootOptions) {
    this.#o = o;
  }

  /**
   * Returns the JSON of the `trusted_root.json`. Many callers cause one fetch, a failure is what they get for a minute.
   *
   * @throws RetryableError `VerificationError` when it can be neither fetched nor, since it has expired, kept
   */
  async read(signal: AbortSignal): Promise<string> {
    if (this.#last !== undefined && this.#o.clock.now() < this.#nextAt) {
      if ('error' in this.#last) throw this.#last.error;
      return this.#last.root;
    }
    return orAborted(
      this.#refreshing.run('', () => this.#refresh()),
      signal,
    );
  }

  async #refresh(): Promise<string> {
    const { logger, mirror } = this.#o;
    try {
      const root = await this.#fetch((url) => this.#download(url));
      this.#note({ root }, refreshMs);
      return root;
    } catch (error) {
      logger.warn({ mirror, error: errorMessage(error) }, 'Trust root cannot be fetched');
      const kept = await this.#fetch(undefined).catch(() => undefined);
      if (kept !== undefined) {
        this.#note({ root: kept }, retryMs);
        return kept;
      }
      const failure = new RetryableError(
        verificationErrorReason,
        `the public trust root cannot be fetched from ${mirror}: ${whyOf(error, mirrorFlag)}; let the controller reach it, name another one with ${mirrorFlag}, or give it a file with --sigstore-trusted-root`,
        { cause: error },
      );
      this.#note({ error: failure }, retryMs);
      throw failure;
    }
  }

  #note(last: { root: string } | { error: RetryableError }, forMs: number): void {
    this.#last = last;
    this.#nextAt = this.#o.clock.now() + forMs;
  }

  async #fetch(download: Download | undefined): Promise<string> {
    const { mirror, dir, firstRootPath } = this.#o;
    const firstRoot = await readFirstRoot(firstRootPath);
    // Loaded when an object needs it.
    const { fetchTrustRoot } = await import('./fetch-trust-root.ts');
    const own = join(dir, sha256Hex(JSON.stringify([mirror, firstRoot])).slice(0, 16));
    return fetchTrustRoot({ mirror, firstRoot, dir: own }, download);
  }

  /** Through the network guard, as all that leaves this process. */
  async #download(address: string): Promise<Buffer | undefined> {
    const url = new URL(address);
    const response = await send({
      method: 'GET',
      url,
      dispatcher: this.#o.endpoints.dispatcherFor({}, ''),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 200) return readBody(response, maxFileBytes);
    await response.body.dump();
    if ([403, 404].includes(response.status)) return undefined;
    throw new HttpError(`${url.href}: status ${response.status}`, { status: response.status });
  }
}

async function readFirstRoot(path: string): Promise<string> {
  if (path !== '') return readFile(path, 'utf8');
  const { default: seeds } = await import('@sigstore/tuf/seeds.json', { with: { type: 'json' } });
  return Buffer.from(seeds[publicRepository]['root.json'], 'base64').toString('utf8');
}
