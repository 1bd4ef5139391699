import { type Clock, FairSlots } from '@sluice/shared/base';
import { RecentMap } from '../observe/recent.ts';
import { TokenBucket } from '../observe/token-bucket.ts';
import { TooManyTokensError } from './review-token.ts';

/** Reviews that run at a time, in all and for one address. */
const slots = { total: 8, perShare: 2 };

/** Requests that may have a review run or wait, in all and from one address. */
const maxOpen = { total: 256, perAddress: 8 };

/** Unknown tokens that one address may have reviewed at once; then one more in each interval. */
export const unknownTokens = { capacity: 10, refillMs: 1_000 };

const maxAddresses = 1024;

/** Decides whose token is reviewed when, so that a flood of tokens costs neither the API server nor others who come much. */
export class ReviewTurns {
  readonly #clock: Clock;
  readonly #slots = new FairSlots(slots);
  readonly #open = new Map<string, number>();
  readonly #buckets = new RecentMap<TokenBucket>(maxAddresses);
  #openInAll = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs a review once it is the turn of the address; addresses take turns.
   *
   * @param o `isKnown` says that the token was accepted before, and so is not counted as an unknown one
   * @throws TooManyTokensError when the address, or all together, have too many open; what `review` throws
   */
  async run<T>(o: { address: string; isKnown: boolean; review: () => Promise<T> }): Promise<T> {
    const { address, isKnown, review } = o;
    const open = this.#open.get(address) ?? 0;
    const isFull = open >= maxOpen.perAddress || this.#openInAll >= maxOpen.total;
    if (isFull || !(isKnown || this.#bucketOf(address).take(this.#clock.now()))) {
      throw new TooManyTokensError('too many tokens came at once: try again later');
    }
    this.#count(address, 1);
    try {
      return await this.#slots.run(address, review);
    } finally {
      this.#count(address, -1);
    }
  }

  #count(address: string, change: 1 | -1): void {
    const open = (this.#open.get(address) ?? 0) + change;
    if (open > 0) this.#open.set(address, open);
    else this.#open.delete(address);
    this.#openInAll += change;
  }

  #bucketOf(address: string): TokenBucket {
    const known = this.#buckets.get(address);
    if (known !== undefined) return known;
    const bucket = new TokenBucket({ ...unknownTokens, nowMs: this.#clock.now() });
    this.#buckets.set(address, bucket);
    return bucket;
  }
}
