import type {
  AuditAction,
  AuditedChange,
  AuditedReason,
  AuditRecord,
  KubeObject,
} from '@sluice/shared/api';

/** What is to be recorded. */
export interface AuditEntry {
  action: AuditAction;
  /** `noted` unless told. */
  phase?: AuditRecord['phase'];
  /** Of what has ended. */
  result?: AuditRecord['result'];
  /** The Kustomization or HelmRelease. */
  object: KubeObject;
  /**
   * What tells this occasion from others of the same action on the object, and is the same when a reconcile that was cut
   * short comes to it again: digests, resource versions, the time of the last success. Entries that agree in action,
   * object, occasion, phase and result make one record.
   */
  occasion: readonly (string | number | undefined)[];
  /** Revision of the source. */
  revision?: string | undefined;
  /** Author of the commit, as the facts of the artifact name them (`originFacts`). */
  author?: string | undefined;
  /** Users that decided, besides the author of the commit. */
  users?: readonly string[];
  /** Paths of fields, never values. What is too much is cut and counted. */
  what?: AuditedChange;
  why?: AuditedReason;
}

/** The audit trail, as those who act write it. */
export interface Audit {
  /** Whether records go anywhere; what is costly to find out need not be when they do not. */
  readonly enabled: boolean;
  /**
   * Records an action; of one with an effect, before that effect. Resolves once the record is on the local disk, from
   * where it goes to NATS when that is there. Never throws and never waits for NATS: that a record could not be kept is
   * logged and counted.
   */
  record(entry: AuditEntry): Promise<void>;
}

/** Of a controller without NATS. */
export const noAudit: Audit = { enabled: false, record: () => Promise.resolve() };
