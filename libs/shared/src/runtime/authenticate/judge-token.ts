import { type Clock, SingleFlight, sha256Hex, systemClock } from '@sluice/shared/base';
import { RecentMap } from '../observe/recent.ts';
import { expiryOf } from './bearer-token.ts';
import type { Review, ReviewToken } from './review-token.ts';
import { ReviewTurns } from './review-turns.ts';

/** What becomes of a token: the user that it is accepted for, a user that may not come, or why it is nobody's. */
export type Verdict =
  | { kind: 'accepted'; user: string }
  | { kind: 'forbidden'; user: string }
  | { kind: 'unauthenticated'; problem: string };

/**
 * Judges a token.
 *
 * @param address that it comes from
 * @throws ReviewUnavailableError when it cannot be judged now
 */
export type JudgeToken = (token: string, address: string) => Promise<Verdict>;

export interface JudgeOptions {
  review: ReviewToken;
  /** Users that may come. */
  users: ReadonlySet<string>;
  clock?: Clock;
}

/** How long a verdict holds, in milliseconds: it may be wrong for as long, when an account is deleted or made. */
const acceptedMs = 30_000;
const refusedMs = 10_000;

/** Verdicts that are remembered, apart, so that nobody but those who may come can push out the accepted ones. */
const maxAccepted = 256;
const maxRefused = 2048;

interface Known {
  verdict: Verdict;
  until: number;
}

/**
 * Makes a judge that remembers verdicts for a short time, by the digest of the token, and shares one review among
 * those who wait for the same. Reviews wait for the turn of their address; a token that was accepted before is not
 * kept waiting by unknown ones.
 */
export function createJudge({ review, users, clock = systemClock }: JudgeOptions): JudgeToken {
  const accepted = new RecentMap<Known>(maxAccepted);
  const refused = new RecentMap<Known>(maxRefused);
  const flight = new SingleFlight<Verdict>();
  const turns = new ReviewTurns(clock);
  return async (token, address) => {
    const digest = sha256Hex(token);
    const known = accepted.get(digest) ?? refused.get(digest);
    if (known !== undefined && clock.now() < known.until) return known.verdict;
    return flight.run(digest, async () => {
      const isKnown = known?.verdict.kind === 'accepted';
      const verdict = await turns.run({
        address,
        isKnown,
        review: async () => verdictOf(await review(token), users),
      });
      const now = clock.now();
      if (verdict.kind === 'accepted') {
        const until = Math.min(now + acceptedMs, expiryOf(token) ?? Number.POSITIVE_INFINITY);
        accepted.set(digest, { verdict, until });
      } else {
        accepted.delete(digest);
        refused.set(digest, { verdict, until: now + refusedMs });
      }
      return verdict;
    });
  };
}

function verdictOf(review: Review, users: ReadonlySet<string>): Verdict {
  if (review.user === undefined) return { kind: 'unauthenticated', problem: review.problem };
  return { kind: users.has(review.user) ? 'accepted' : 'forbidden', user: review.user };
}
