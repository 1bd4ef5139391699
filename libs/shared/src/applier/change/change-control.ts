import type { KubeObject } from '@sluice/shared/api';
import type { Clock } from '@sluice/shared/base';
import { type Admission, admit, type Controlled, type Gate, type ProposedChange } from './admit.ts';
import type { Approvals } from './approvals.ts';
import type { PruneGuard } from './prune-guard.ts';
import type { WindowVerdict } from './windows/window-verdict.ts';
import type { Windows } from './windows/windows.ts';

/** Milliseconds after which an Approval is removed unless its plan still waits. */
const approvalLifeMs = 30 * 24 * 3_600_000;

/** How to make {@link ChangeControl}. */
export interface ChangeControlOptions {
  approvals: Approvals;
  windows: Windows;
  /** The guard of objects without one of their own; undefined for none. */
  defaultPruneGuard: PruneGuard | undefined;
  clock: Clock;
}

/** What decides about the changes of the objects of one kind. */
export class ChangeControl {
  readonly #options: ChangeControlOptions;
  readonly #gate: Gate;

  constructor(options: ChangeControlOptions) {
    const { approvals, windows, defaultPruneGuard } = options;
    this.#options = options;
    this.#gate = {
      verdictOn: (object, planDigest) => approvals.verdictOn(object, planDigest),
      windowOf: (object) => windows.verdictOf(object),
      defaultPruneGuard,
    };
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

  /** Decides whether a change may be applied; see {@link admit}. */
  judge(object: Controlled, change: ProposedChange): Promise<Admission> {
    return admit(object, change, this.#gate);
  }

  /** Removes Approvals of an object that have had their time, unless they are about the plan that waits. */
  async removeOutdated(object: KubeObject, planDigest: string | undefined): Promise<void> {
    const { approvals, clock } = this.#options;
    await approvals.removeOutdated(object, { beforeMs: clock.now() - approvalLifeMs, planDigest });
  }
}
