import {
  type DriftState,
  type Health,
  HealthReads,
  type InventoryEntry,
  type LiveChange,
  noDrift,
  type ObjectId,
} from '@sluice/shared/engine';
import type { StatusChanges } from '@sluice/shared/runtime';
import type { PatientDecryption } from '../decryption/patient-decryption.ts';
import type { HealthWait } from './health-wait.ts';

/** An object as our last apply left it. */
export interface AppliedObject {
  id: ObjectId;
  apiVersion: string;
  resourceVersion: string | undefined;
  /** Health in the server's answer to the apply. */
  health: Health;
  /** Not applied, because an annotation says so; its health does not count. */
  skipped: boolean;
  /** A Job that removes itself after it has finished. */
  vanishes: boolean;
}

/** What was applied last, with success. */
export interface AppliedBuild {
  /** Which object, generation, artifact and request it was made for. */
  fingerprint: string;
  generation: number;
  /** Key of the build; undefined when the build cannot be known to be the same again. */
  buildKey: string | undefined;
  /** Digest of the built objects, for the history. */
  digest: string;
  /** By formatted id. */
  objects: Map<string, AppliedObject>;
  inventory: InventoryEntry[];
  /** What left the build and stays nevertheless, and why. */
  kept: string[];
  /** Whether the apply changed anything in the cluster. */
  changed: boolean;
  /** Which fields of which objects it changed, for people. */
  changes: string;
  isNewRevision: boolean;
  /** Milliseconds since the epoch at which the reconcile began. */
  startedAt: number;
}

/** The revision that an applied build was last made of. */
export function revisionOf({ fingerprint }: AppliedBuild): string {
  const [, , , revision] = JSON.parse(fingerprint);
  return revision;
}

/** How far a Kustomization has come. */
export type Phase =
  /** Nothing known: the next reconcile does everything. */
  | 'unknown'
  /** Applied; waits for health. */
  | 'health'
  /** Applied, but did not become healthy in time; watched until the retry. */
  | 'unhealthy'
  /** Applied and healthy. */
  | 'ready';

/**
 * What this process remembers of a Kustomization between reconciles. It only saves work: nothing goes wrong when it
 * is lost.
 */
export interface KustomizationState extends DriftState {
  uid: string | undefined;
  phase: Phase;
  applied?: AppliedBuild;
  wait?: HealthWait;
  /** Health of objects that were read, as no watch shows them, or not with their values. */
  reads: HealthReads;
  /** When waiting for deleted objects to be gone ends, in milliseconds since the epoch. */
  terminationDeadlineAt?: number;
  /** Milliseconds since the epoch until which an unhealthy one is only watched. */
  retryAt?: number;
  /** The last change of each object that the watches saw during the apply under way, by formatted id. */
  meanwhile?: Map<string, LiveChange> | undefined;
  /** Changes of the status that are written with the next ones. */
  unwritten?: StatusChanges | undefined;
  /** Milliseconds since the epoch until which nothing is said of a source that a new object waits for. */
  quietUntil?: number;
  /** What was last warned of. */
  warning?: string | undefined;
  /** What its build waits for. */
  decryption?: PatientDecryption | undefined;
  /** A Secret or ConfigMap it refers to has changed. */
  configChanged: boolean;
  /** Digest of the change of which no Snapshot can be kept, which was said. */
  unkept?: string;
  /** There are no Snapshots but those that the status refers to. */
  isTidy?: boolean;
  /** A change waits, so that the source does not say what should be in the cluster. */
  isHeld: boolean;
}

/** The states of all Kustomizations, by key. */
export class KustomizationStates {
  readonly #states = new Map<string, KustomizationState>();

  /** Returns the state of a key; a new one for another object of the same name. */
  for(key: string, uid: string | undefined): KustomizationState {
    const known = this.#states.get(key);
    if (known !== undefined && known.uid === uid) return known;
    known?.decryption?.abandon();
    const fresh: KustomizationState = {
      uid,
      phase: 'unknown',
      reads: new HealthReads(),
      ...noDrift(),
      configChanged: false,
      isHeld: false,
    };
    this.#states.set(key, fresh);
    return fresh;
  }

  /** Returns the state of a key if there is one. */
  peek(key: string): KustomizationState | undefined {
    return this.#states.get(key);
  }

  forget(key: string): void {
    this.#states.get(key)?.decryption?.abandon();
    this.#states.delete(key);
  }
}
