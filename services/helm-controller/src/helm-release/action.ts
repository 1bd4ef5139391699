import type { AuditedChange } from '@sluice/shared/api';
import type { InventoryEntry } from '@sluice/shared/engine';
import type { Release } from '../release/release.ts';

/** The release that was made last, where the HelmRelease is deleted or its spec leads to another one now. */
export interface FormerRelease {
  name: string;
  /** Where its records are. */
  storageNamespace: string;
}

/** What has to be known of an action besides its type. */
interface Details {
  install: object;
  upgrade: object;
  /** Remediates, or, with `isAsked`, does what somebody has asked for. */
  rollback: { version: number; isAsked?: true };
  /** Remediates, or ends an uninstallation that was cut short; with `former`, removes what is no longer wanted. */
  uninstall: { former?: FormerRelease };
  test: object;
  unlock: object;
}

/** The types of actions are words of Helm: conditions, metrics and traces show them. */
export type ActionType = keyof Details;

/** Something that is to be done to a release; data only, its verb says how. */
export type Action<T extends ActionType = ActionType> = {
  [K in T]: { type: K } & Details[K];
}[T];

/** What an action is to the course of an attempt. */
export type ActionRole = 'release' | 'remediate' | 'undo' | 'test' | 'unlock' | 'former';

/** What an upgrade changes, for people; without any values. */
export interface UpgradeChanges {
  /** One line, for the history. */
  summary: string;
  /** For the event. */
  text: string;
  /** For the audit trail. */
  objects: AuditedChange;
}

/** What an action on the release has come to. */
export interface ActionEnd {
  /** The release as it is stored now; undefined when the action stored none. */
  release: Release | undefined;
  /** Revisions that the action may have superseded. */
  others: Release[];
  /** Objects of the release that the action makes. */
  inventory?: InventoryEntry[];
  /** What an upgrade changes, or was to change, for people; undefined when that is not known. */
  changes?: UpgradeChanges | undefined;
  /** The first object that failed, and why, when objects are why it failed. */
  firstFailure?: string | undefined;
  /** Why it failed; undefined when it succeeded. */
  error: unknown;
}

/** What an ended action means for the rest of the attempt. */
export interface Collected {
  /** Thrown on, because the action left no trace that could be remediated. */
  error?: unknown;
  /** Reason of the condition that says so. */
  reason: string;
  message: string;
}
