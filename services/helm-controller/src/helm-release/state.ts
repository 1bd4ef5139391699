import { type DriftState, noDrift } from '@sluice/shared/engine';
import { ObjectGoneError, type StatusChanges } from '@sluice/shared/runtime';
import { HeldObjects } from '../action/held-objects.ts';
import type { Waits } from '../action/waits.ts';
import type { PreparedChart } from '../chart/acquire.ts';
import type { Values } from '../release/release.ts';
import type { StoredRevision } from '../release/release-secret.ts';
import type { IntegerSetting } from '../values/helm-integer.ts';
import type { Action, ActionEnd, ActionRole } from './action.ts';
import type { BackgroundTask } from './background-task.ts';
import type { Varying } from './change/agreement.ts';

/** What is to be released. */
export interface Desired {
  chart: PreparedChart;
  values: Values;
  /** Numbers among the values that are integers for templates. */
  integers: IntegerSetting[];
  configDigest: string;
  ociDigest: string | undefined;
  /** Metadata of events: where the chart comes from. */
  origin: Record<string, string>;
  /** Keeps the chart until it is released once more. */
  hold(): void;
  /** Says that one who held the chart no longer needs it; it may vanish then. */
  release(): void;
}

/** An action that is under way, or has ended without this being noted yet. */
export interface RunningAction {
  action: Action;
  /** Names the input it was started for; another one supersedes it while it waits. */
  fingerprint: string;
  /** What it releases; undefined when it does not release anything new. */
  desired: Desired | undefined;
  /** Milliseconds since the epoch. */
  startedAt: number;
  timeoutMs: number;
  /** W3C traceparent of the reconcile that started it. */
  trace: string | undefined;
  task: BackgroundTask<ActionEnd>;
  /** What it waits for. */
  waits: Waits;
  /** What the status says of it, and until when that is not looked at again, in milliseconds since the epoch. */
  shown?: { message: string; untilMs: number };
}

/**
 * What this process remembers of a HelmRelease between reconciles. It only saves work: nothing goes wrong when it is
 * lost.
 */
export interface HelmReleaseState extends DriftState {
  uid: string | undefined;
  running?: RunningAction;
  /** What the attempt under way has carried out so far; each at most once. */
  carriedOut: Set<ActionRole>;
  /** Names the input and the stored revision that were found to agree. */
  inSync?: { fingerprint: string; revision: string };
  /** The newest stored revision that this process knows of. */
  known?: StoredRevision;
  /** Changes of the status that will be written with the result of the action under way. */
  unwritten?: StatusChanges | undefined;
  /** What its actions have applied, besides what its status lists. */
  held: HeldObjects;
  /** Namespaces that were there before its actions first applied them, by formatted id. */
  adopted: Set<string>;
  /** What the action under way did not delete because it is protected, and why. */
  kept: Set<string>;
  /** What was asked for when the objects were compared last, or applied. */
  driftSetting?: string;
  /** What templates make another way each time, of the change that was compared with the cluster last. */
  varying?: { changeDigest: string; objects: ReadonlyMap<string, Varying> };
  /** A Secret, ConfigMap or source of values has changed. */
  configChanged: boolean;
  /** W3C traceparent of the source of values that has changed. */
  configTrace?: string | undefined;
}

/** The states of all HelmReleases, by key. */
export class HelmReleaseStates {
  readonly #states = new Map<string, HelmReleaseState>();

  /** Returns the state of a key; a new one for another object of the same name. */
  for(key: string, uid: string | undefined): HelmReleaseState {
    const known = this.#states.get(key);
    if (known !== undefined && known.uid === uid) return known;
    this.forget(key);
    const fresh: HelmReleaseState = {
      uid,
      carriedOut: new Set(),
      held: new HeldObjects(),
      adopted: new Set(),
      kept: new Set(),
      configChanged: false,
      ...noDrift(),
    };
    this.#states.set(key, fresh);
    return fresh;
  }

  /** Returns the state of a key if there is one. */
  peek(key: string): HelmReleaseState | undefined {
    return this.#states.get(key);
  }

  /** Forgets a key; an action under way is aborted. */
  forget(key: string): void {
    this.#states.get(key)?.running?.task.abort(new ObjectGoneError('the HelmRelease is gone'));
    this.#states.delete(key);
  }

  /** Aborts all actions, and resolves when they have stopped. */
  async stop(): Promise<void> {
    const running = [...this.#states.values()].flatMap((state) => state.running ?? []);
    for (const { task } of running) task.abort(new Error('the controller stops'));
    await Promise.all(running.map(({ task }) => task.settled));
  }
}
