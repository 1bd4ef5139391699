import type { ChangePlan } from '@sluice/shared/applier';
import { once } from '@sluice/shared/base';
import type { ActionContext } from '../../action/context.ts';
import { Waits } from '../../action/waits.ts';
import type { Release } from '../../release/release.ts';
import type { FormerRelease } from '../action.ts';
import { actionContext, type Part } from '../action-context.ts';
import type { Run } from '../run.ts';
import type { ReleaseAction } from '../spec.ts';
import { type Varying, varyingObjects } from './agreement.ts';
import { hooksAt, type NextRelease, nextRelease, type PlannedHook } from './next-release.ts';
import { type PlannedDeletion, uninstallDeletions, upgradeDeletions } from './planned-deletions.ts';
import { planRelease } from './release-plan.ts';

/** What is about to be done. */
export interface ReleaseStep {
  action: ReleaseAction;
  /** The release that is uninstalled before, because the spec leads to another one now. */
  former?: FormerRelease | undefined;
}

/** Longest step of the clocks that templates may read, in milliseconds. */
const clockStepMs = 1000;

/** The release of a former target, and what it was found to leave. */
interface Former {
  ctx: ActionContext;
  release: Release | undefined;
}

/** Returns the part of an action that only looks. */
export function partOf({ ctx: { signal }, deps, object }: Run): Part {
  const share = object.metadata.namespace ?? '';
  const slots = { run: <R>(fn: () => Promise<R>) => deps.slots.run(share, fn, signal) };
  return { slots, signal, waits: new Waits() };
}

/** All objects that a release makes, its hooks included. */
function objectsOf({ objects, hooks }: NextRelease) {
  return [...objects, ...hooks.map(({ object }) => object)];
}

/** A change of a release that is yet to be judged: nothing is rendered or compared before somebody asks for it. */
export class ReleaseProposal {
  readonly #run: Run;
  readonly #step: ReleaseStep;
  readonly #part: Part;

  constructor(run: Run, step: ReleaseStep) {
    this.#run = run;
    this.#step = step;
    this.#part = partOf(run);
  }

  /** Counts the objects that it deletes. @throws what rendering and the API server throw */
  readonly deletions = async (): Promise<number> => (await this.#deleted()).length;

  /**
   * Compares it with the cluster.
   *
   * @param changeDigest digest of the change
   * @throws what rendering and the API server throw
   */
  async plan(changeDigest: string): Promise<ChangePlan> {
    const startedAt = this.#run.ctx.clock.now();
    const next = await this.#next();
    const parts = {
      changeDigest,
      next,
      deletions: await this.#deleted(),
      formerHooks: await this.#formerHooks(),
      varying: await this.#varying(changeDigest, next, startedAt),
    };
    return planRelease(await this.#context(), parts);
  }

  readonly #context = once(() => actionContext(this.#run, this.#part));

  readonly #next = once(async (): Promise<NextRelease> => {
    const next = await this.#render();
    this.#run.rendered = { action: this.#step.action, release: next.release };
    return next;
  });

  readonly #former = once(async (): Promise<Former | undefined> => {
    const { former } = this.#step;
    if (former === undefined) return undefined;
    const ctx = await actionContext(this.#run, this.#part, former.storageNamespace);
    return { ctx, release: await ctx.storage.last(former.name) };
  });

  readonly #deleted = once(async (): Promise<PlannedDeletion[]> => {
    const { ctx, release } = (await this.#former()) ?? {};
    if (ctx !== undefined && release !== undefined) return uninstallDeletions(ctx, release);
    return upgradeDeletions(await this.#context(), await this.#next());
  });

  async #formerHooks(): Promise<PlannedHook[]> {
    const { ctx, release } = (await this.#former()) ?? {};
    const isHookless = this.#run.object.spec.uninstall?.disableHooks ?? false;
    if (ctx === undefined || release === undefined || isHookless) return [];
    return hooksAt(ctx, release, ['pre-delete', 'post-delete']);
  }

  async #render(): Promise<NextRelease> {
    const { action } = this.#step;
    return nextRelease(this.#run, { part: this.#part, ctx: await this.#context(), action });
  }

  /**
   * Finds out what templates make another way each time, by rendering once more, when another second has begun; once for
   * each change that a process sees.
   */
  async #varying(
    changeDigest: string,
    next: NextRelease,
    startedAt: number,
  ): Promise<ReadonlyMap<string, Varying>> {
    const { state, ctx, rendered } = this.#run;
    if (state.varying?.changeDigest !== changeDigest) {
      const restMs = startedAt + clockStepMs - ctx.clock.now();
      if (restMs > 0) await ctx.clock.sleep(restMs, ctx.signal);
      this.#run.rendered = undefined;
      const again = await this.#render();
      this.#run.rendered = rendered;
      const objects = varyingObjects(objectsOf(next), objectsOf(again));
      state.varying = { changeDigest, objects };
    }
    return state.varying.objects;
  }
}
