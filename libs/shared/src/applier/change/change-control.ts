import {
  type KubeObject,
  overrideByAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
} from '@sluice/shared/api';
import type { Clock } from '@sluice/shared/base';
import { keyOf } from '@sluice/shared/kube';
import {
  type Admission,
  admit,
  type Controlled,
  type Gate,
  type HeldChange,
  type ProposedChange,
  whyGuarded,
} from './admit.ts';
import type { Approvals } from './approvals.ts';
import type { PruneGuard } from './prune-guard.ts';
import { StoredPlans } from './stored-plans.ts';
import type { WindowVerdict } from './windows/window-verdict.ts';
import type { Windows } from './windows/windows.ts';

/** Milliseconds after which an Approval is removed unless its plan still waits. */
const approvalLifeMs = 30 * 24 * 3_600_000;

/** Most objects of a plan that is kept in memory. */
const maxRemembered = 500;

/** How to make {@link ChangeControl}. */
export interface ChangeControlOptions {
  approvals: Pick<Approvals, 'start' | 'stop' | 'onChange' | 'verdictOn' | 'removeOutdated'>;
  windows: Pick<Windows, 'start' | 'stop' | 'onChange' | 'verdictOf'>;
  /** The guard of objects without one of their own; undefined for none. */
  defaultPruneGuard: PruneGuard | undefined;
  clock: Clock;
}

/** Names what a verdict goes by, besides what others say and the cluster. */
function basisOf({ metadata }: KubeObject, { digest, revision }: ProposedChange): string {
  const { uid, generation, annotations = {} } = metadata;
  const names = [overridePlanAnnotation, overrideReasonAnnotation, overrideByAnnotation];
  return JSON.stringify([
    uid,
    generation,
    digest,
    revision,
    names.map((name) => annotations[name]),
  ]);
}

/** What decides about the changes of the objects of one kind. */
export class ChangeControl {
  readonly #options: ChangeControlOptions;
  readonly #gate: Gate;
  /** What this process knows of the Plans of what waits. */
  readonly storedPlans = new StoredPlans();
  /** Changes that wait, by the key of their object. */
  readonly #waiting = new Map<string, { basis: string; held: HeldChange }>();

  constructor(options: ChangeControlOptions) {
    const { approvals, windows, defaultPruneGuard } = options;
    this.#options = options;
    this.#gate = {
      verdictOn: (object, planDigest) => approvals.verdictOn(object, planDigest),
      windowOf: (object) => windows.verdictOf(object),
      defaultPruneGuard,
    };
    this.onChange((key) => this.forget(key));
  }

  /** Starts the watches of what it goes by. Resolves once everything is known. */
  async start(signal: AbortSignal): Promise<void> {
    const { approvals, windows } = this.#options;
    await Promise.all([approvals.start(signal), windows.start(signal)]);
  }

  /** Ends the watches. */
  async stop(): Promise<void> {
    const { approvals, windows } = this.#options;
    await Promise.all([approvals.stop(), windows.stop()]);
  }

  /** Calls the listener with the key of each object that may be decided about in another way now. */
  onChange(listener: (key: string) => void): void {
    this.#options.approvals.onChange(listener);
    this.#options.windows.onChange(listener);
  }

  /** Says whether Windows hold the changes of an object now. */
  windowOf(object: KubeObject): WindowVerdict {
    return this.#gate.windowOf(object);
  }

  /**
   * Decides whether a change may be applied; see {@link admit}.
   *
   * @param o.isDrift the object is looked at because what is applied has drifted: a change that waits is not compared with
   * the cluster again for that
   */
  async judge(
    object: Controlled,
    change: ProposedChange,
    o: { isDrift: boolean },
  ): Promise<Admission> {
    const key = keyOf(object);
    const basis = basisOf(object, change);
    const known = this.#waiting.get(key);
    if (o.isDrift && known?.basis === basis && this.#isStill(known.held)) return known.held;
    this.#waiting.delete(key);
    const admission = await admit(object, change, this.#gate);
    const { length = 0 } = admission.type === 'held' ? (admission.plan?.objects ?? []) : [];
    if (admission.type === 'held' && length <= maxRemembered)
      this.#waiting.set(key, { basis, held: admission });
    return admission;
  }

  /**
   * Returns why a change deletes more than the guard of its object allows; undefined when it does not.
   *
   * @throws what {@link ProposedChange.deletions} throws
   */
  whyGuarded(
    object: Controlled,
    change: Pick<ProposedChange, 'deletions' | 'managed'>,
  ): Promise<string | undefined> {
    return whyGuarded(object, change, this.#gate);
  }

  /** Forgets what an object waits for. */
  forget(key: string): void {
    this.#waiting.delete(key);
  }

  #isStill({ untilMs }: HeldChange): boolean {
    return untilMs === undefined || this.#options.clock.now() < untilMs;
  }

  /** Removes Approvals of an object that have had their time, unless they are about the plan that waits. */
  async removeOutdated(object: KubeObject, planDigest: string | undefined): Promise<void> {
    const { approvals, clock } = this.#options;
    await approvals.removeOutdated(object, { beforeMs: clock.now() - approvalLifeMs, planDigest });
  }
}
