import type { Clock } from '@sluice/shared/base';
import type { Answer } from '../http/respond.ts';

/**
 * Milliseconds for which a webhook that was done is not done again. Senders repeat what they had no answer to within
 * seconds; a person who has it delivered again, under the same identifier, wants it done.
 */
const keepMs = 5 * 60_000;
/** Identifiers that are kept, of about 200 bytes each; the oldest go first. */
const maxKept = 10_000;

/** Tells the repetitions of webhooks. */
export class RecentDeliveries {
  readonly #clock: Clock;
  /** When each was done, the oldest first. */
  readonly #done = new Map<string, number>();
  readonly #running = new Map<string, Promise<Answer>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Does what a webhook asks for, unless it was done a moment ago. One that is being done is waited for; one that
   * failed is done again.
   *
   * @returns how it ended, and whether it was a repetition
   */
  async run(
    id: string | undefined,
    fn: () => Promise<Answer>,
  ): Promise<{ answer: Answer; isRepeated: boolean }> {
    if (id === undefined) return { answer: await fn(), isRepeated: false };
    if (this.#isDone(id)) return { answer: { status: 200 }, isRepeated: true };
    const running = this.#running.get(id);
    if (running !== undefined) return { answer: await running, isRepeated: true };
    const answer = fn();
    this.#running.set(id, answer);
    try {
      const ended = await answer;
      if (ended.status === 200) this.#note(id);
      return { answer: ended, isRepeated: false };
    } finally {
      this.#running.delete(id);
    }
  }

  #isDone(id: string): boolean {
    const at = this.#done.get(id);
    return at !== undefined && this.#clock.now() - at < keepMs;
  }

  #note(id: string): void {
    this.#done.delete(id);
    this.#done.set(id, this.#clock.now());
    const [oldest] = this.#done.keys();
    if (this.#done.size > maxKept && oldest !== undefined) this.#done.delete(oldest);
  }
}
