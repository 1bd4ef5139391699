import { BudgetError, ReconcileError } from '@sluice/shared/base';
import { fetchFailedCondition } from './names.ts';
import type { SourceContext } from './source.ts';
import { phase } from './status.ts';

/** Which limit is hit may depend on how busy the machine was, so that no refusal lasts. */
const rememberMs = 10 * 60_000;
const maxRemembered = 5000;

interface Refusal {
  content: string;
  error: ReconcileError;
  untilMs: number;
}

/**
 * Remembers whose content was over a limit: the same content will be again, and fetching and making it takes as long
 * as the limits allow, at each poll and each request.
 */
export class RefusedContent {
  /** By uid, so that an object made anew under a name is tried. */
  readonly #refusals = new Map<string, Refusal>();

  /**
   * Makes an artifact, unless the same content was over a limit a short while ago.
   *
   * @param revision what the reference leads to; with the generation, it says what the artifact would be made of
   * @throws as `make` does; the former error, under the condition FetchFailed, instead of making it once more
   */
  async make<T>(context: SourceContext, revision: string, make: () => Promise<T>): Promise<T> {
    const { uid = '', generation } = context.object.metadata;
    const nowMs = context.clock.now();
    const content = `${generation} ${revision}`;
    const known = this.#refusals.get(uid);
    if (known?.content === content && nowMs < known.untilMs)
      return phase(context.status, fetchFailedCondition, () => Promise.reject(known.error));
    this.#refusals.delete(uid);
    try {
      return await make();
    } catch (error) {
      if (error instanceof ReconcileError && error.cause instanceof BudgetError)
        this.#remember(uid, { content, error, untilMs: context.clock.now() + rememberMs });
      throw error;
    }
  }

  #remember(uid: string, refusal: Refusal): void {
    this.#refusals.set(uid, refusal);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > maxRemembered && oldest !== undefined) this.#refusals.delete(oldest);
  }
}
