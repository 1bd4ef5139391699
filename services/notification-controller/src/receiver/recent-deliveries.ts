import type { Clock } from '@sluice/shared/base';
import type { Answer } from '../http/respond.ts';
import { RecentKeys } from '../memory/recent-keys.ts';
import type { DoneWebhooks } from './done-webhooks.ts';

/**
 * Milliseconds for which a webhook that was done is not done again. Senders repeat what they had no answer to within
 * seconds; a person who has it delivered again, under the same identifier, wants it done.
 */
const keepMs = 5 * 60_000;
/** Identifiers that are kept, of about 200 bytes each; the oldest go first. */
const maxKept = 10_000;

/** How a webhook ended, and whether it was a repetition. */
interface Ended {
  answer: Answer;
  isRepeated: boolean;
}

/** Tells the repetitions of webhooks. */
export class RecentDeliveries {
  readonly #clock: Clock;
  readonly #others?: DoneWebhooks;
  readonly #done: RecentKeys;
  readonly #running = new Map<string, Promise<Ended>>();

  /** @param others those that other replicas, or earlier processes, have done */
  constructor(clock: Clock, others?: DoneWebhooks) {
    this.#clock = clock;
    this.#done = new RecentKeys(keepMs, () => clock.now(), maxKept);
    this.#others = others;
  }

  /**
   * Does what a webhook asks for, unless it was done a moment ago. One that is being done here is waited for; one that
   * failed is done again.
   */
  async run(id: string | undefined, fn: () => Promise<Answer>): Promise<Ended> {
    if (id === undefined) return { answer: await fn(), isRepeated: false };
    if (this.#done.has(id)) return { answer: { status: 200 }, isRepeated: true };
    const running = this.#running.get(id);
    if (running !== undefined) return { answer: (await running).answer, isRepeated: true };
    const started = this.#unlessDone(id, fn);
    this.#running.set(id, started);
    try {
      return await started;
    } finally {
      this.#running.delete(id);
    }
  }

  async #unlessDone(id: string, fn: () => Promise<Answer>): Promise<Ended> {
    const doneAt = await this.#others?.doneAt(id);
    if (doneAt !== undefined && this.#clock.now() - doneAt < keepMs) {
      this.#done.add(id, doneAt);
      return { answer: { status: 200 }, isRepeated: true };
    }
    const answer = await fn();
    if (answer.status === 200) {
      this.#done.add(id, this.#clock.now());
      await this.#others?.note(id);
    }
    return { answer, isRepeated: false };
  }
}
