import type { KubeObject } from '@sluice/shared/api';
import type { Clock, Logger, SecretMasker, Semaphore } from '@sluice/shared/base';
import type {
  AppliedChange,
  ApplierIdentity,
  Cluster,
  DriftIgnoreRule,
  HealthRules,
  OwnedObjects,
  Protection,
} from '@sluice/shared/engine';
import type { GroupVersionKind, KubeClient } from '@sluice/shared/kube';
import type { Release } from '../release/release.ts';
import type { ReleaseStorage } from '../release/storage.ts';
import type { HeldObjects } from './held-objects.ts';
import type { Waits } from './waits.ts';

/**
 * What all steps of an action on a release share.
 *
 * An action is a plain sequence of requests; nothing of it lives anywhere but in the cluster. It can be killed between
 * any two of them, or aborted by its signal, and what it leaves is one of these:
 *
 * | ended | left behind | what the next run does |
 * |---|---|---|
 * | before the record of the new revision is stored | CRDs, the namespace: both wanted anyway | does the same again, which changes nothing |
 * | while the record is `pending-install` | objects, all of which are in the record's manifest | {@link unlock}s the record; the failed install is undone, or upgraded |
 * | while it is `pending-upgrade` or `pending-rollback` | a mixture of the objects of two revisions | unlocks the record; the next revision deletes what any revision since the last good one has made and it does not have |
 * | between the two writes at the end of an upgrade | the old revision is `superseded`, the new one pending | as before; the new revision counts as the one to start from |
 * | before a hook's end is recorded | the object of the hook | `before-hook-creation`, the default, deletes it when the hook runs again |
 * | while the record is `uninstalling` | some of the objects | uninstalls again: what is gone is passed over |
 * | after the last write | nothing that is not recorded | finds the release as it is |
 *
 * A record is written only if nobody else wrote it since, so that an action that was believed dead stops at its next
 * write instead of undoing the work of its successor.
 */
export interface ActionContext {
  /** The HelmRelease, whose labels the objects carry. */
  owner: { name: string; namespace: string };
  /** Acts with the rights of the tenant. */
  client: KubeClient;
  /** The cluster of the client. */
  cluster: Cluster;
  /** What may be known of the owner's objects without asking as the tenant. */
  live: OwnedObjects;
  /** What the owner's actions have applied. */
  held: HeldObjects;
  /** What must not be deleted. */
  protection: Protection;
  /** Is told the formatted id of a Namespace that was there before it is first applied. */
  onAdopted?(id: string): void;
  /** Is told why an object was not deleted. */
  onKept?(why: string): void;
  storage: ReleaseStorage;
  /** Permits for the parts that work; none is held while waiting. */
  slots: Pick<Semaphore, 'run'>;
  clock: Clock;
  logger: Logger;
  /** Aborts the action: it stops at the next request and leaves the release as it is. */
  signal: AbortSignal;
  /** As what everything is applied. */
  identity: ApplierIdentity;
  healthRules: HealthRules;
  /** Requests of one action that are under way at a time. */
  concurrency: number;
  /** Hides secret values in errors, logs and descriptions. */
  masker: SecretMasker;
  /** Differences that are no drift. */
  driftIgnore: DriftIgnoreRule[];
  /** Told what is waited for. */
  waits: Waits;
  /** Is told the first object that was refused or did not become ready, and why, each time that happens. */
  onFailed?(what: string): void;
  /** Hears of the objects that were applied, those of a failed apply included. */
  onApplied?(changes: AppliedChange[]): void;
  /** Hears of the objects that are still there although a new revision does not have them. */
  onLeft?(objects: LeftObjects): void;
}

/** Objects that a new revision does not have and that are there all the same. */
export interface LeftObjects {
  /** Finalizers or a grace period hold them for now. */
  terminating: KubeObject[];
  /** They stay for good. */
  kept: KubeObject[];
}

/** How to wait after an apply. */
export interface WaitOptions {
  /** By kstatus, or by the rules of Helm 3. */
  waitStrategy: 'poller' | 'legacy';
  disableWait: boolean;
  disableWaitForJobs: boolean;
}

/** What most actions are told. */
export interface ActionOptions extends WaitOptions {
  /** Limit of each single wait: for a hook, for the objects, for their deletion; in milliseconds. */
  timeoutMs: number;
  disableHooks: boolean;
}

/**
 * An action failed for a reason that its message tells in full, without secret values. What caused it is not attached,
 * for its message may hold some.
 */
export class ActionError extends Error {
  override name = 'ActionError';
  /** The release as it was stored; undefined when nothing was. */
  readonly release?: Release;
  /** Whether the failure left a trace in the storage. */
  readonly stored: boolean;
  /** Kinds that the cluster does not serve, when that is why. */
  readonly missing: readonly GroupVersionKind[];

  /** @param release as it was stored, if it was */
  constructor(message: string, release?: Release, missing: readonly GroupVersionKind[] = []) {
    super(message);
    this.missing = missing;
    this.release = release;
    this.stored = release !== undefined;
  }
}

/** Returns the key under which the objects of an owner are known to the cluster's state. */
export function ownerKey({ owner }: Pick<ActionContext, 'owner'>): string {
  return `${owner.namespace}/${owner.name}`;
}

/** Returns the time as Helm writes it. */
export function timestamp({ clock }: Pick<ActionContext, 'clock'>): string {
  return new Date(clock.now()).toISOString();
}
