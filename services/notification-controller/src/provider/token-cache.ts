import { type Clock, SingleFlight, sha256Hex } from '@sluice/shared/base';

/** A token that a service has given for credentials. */
export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAtMs: number;
}

/** A token is not used any more so many milliseconds before it expires. */
const marginMs = 5 * 60_000;
/** Tokens that are kept for a Provider: it has one, and another one after its credentials have changed. */
const maxKept = 2;

/** The tokens that services have given for the credentials of one Provider. */
export class TokenCache {
  readonly #clock: Clock;
  readonly #tokens = new Map<string, IssuedToken>();
  readonly #running = new SingleFlight<IssuedToken>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The token for credentials, a new one when there is none that is valid for some minutes.
   *
   * @param credentials all that the token depends on; only a digest is kept
   * @throws what `issue` throws
   */
  async get(credentials: readonly string[], issue: () => Promise<IssuedToken>): Promise<string> {
    const key = keyOf(credentials);
    const kept = this.#tokens.get(key);
    if (kept !== undefined && kept.expiresAtMs - marginMs > this.#clock.now()) return kept.token;
    const issued = await this.#running.run(key, issue);
    this.#tokens.delete(key);
    this.#tokens.set(key, issued);
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > maxKept && oldest !== undefined) this.#tokens.delete(oldest);
    return issued.token;
  }

  /** Forgets a token that did not work: it may have been withdrawn. */
  forget(credentials: readonly string[]): void {
    this.#tokens.delete(keyOf(credentials));
  }
}

function keyOf(credentials: readonly string[]): string {
  return sha256Hex(JSON.stringify(credentials));
}
