/** What audit records tell of. */
export const auditActions = [
  'plan',
  'approval',
  'rejection',
  'hold',
  'override',
  'apply',
  'prune',
  'drift-correction',
  'install',
  'upgrade',
  'rollback',
  'uninstall',
  'suspend',
  'resume',
] as const;

/** What an audit record tells of. */
export type AuditAction = (typeof auditActions)[number];

/** One object that an action is about. Values of fields are never told, only where they are. */
export interface AuditedObject {
  apiVersion?: string;
  kind: string;
  namespace?: string;
  name: string;
  /** What is done with it, such as `apply`, `created`, `changed`, `deleted`. */
  action: string;
  /** Paths of the fields that change. */
  fields?: string[];
  /** Fields that change and are not listed. */
  moreFields?: number;
}

/** Who has brought about an action, as far as it is known. */
export interface AuditedUsers {
  /** The controller that carries it out. */
  controller: string;
  /** Author of the commit, as the artifact of the source names them. */
  author?: string;
  /** Users that approved, rejected, overrode, suspended or resumed. */
  users?: string[];
}

/** What an action does. */
export interface AuditedChange {
  /** Digest of the change before and after. */
  before?: string;
  after?: string;
  /** Digest of the plan. */
  plan?: string;
  /** How many objects the action is about, listed or not. */
  count?: number;
  objects?: AuditedObject[];
  /** Objects that are not listed. */
  omitted?: number;
}

/** Why an action is taken. */
export interface AuditedReason {
  /** `spec.changePolicy.mode`. */
  mode?: string;
  /** Names of the Approvals that counted. */
  approvals?: string[];
  /** Name of the Window that holds it. */
  window?: string;
  /** In words, such as those of an override or a suspension. */
  text?: string;
}

/** One entry of the audit trail, as the bus carries it. */
export interface AuditRecord {
  /** The same for all attempts to make the same record. */
  id: string;
  /** RFC 3339. */
  time: string;
  action: AuditAction;
  /**
   * `begins` of what has an effect, recorded before it; `ended` of the same once it is known what has changed; `noted` of
   * what has no effect of its own.
   */
  phase: 'begins' | 'ended' | 'noted';
  /** Of what has ended. */
  result?: 'succeeded' | 'failed';
  object: { kind: string; namespace: string; name: string; uid: string };
  /** Revision of the source. */
  revision?: string;
  who: AuditedUsers;
  what?: AuditedChange;
  why?: AuditedReason;
  /** W3C trace context. */
  traceparent?: string;
}

/** Where audit records go. */
export interface AuditSink {
  /** Resolves once the record is on the local disk. Never waits for the network. */
  publish(record: AuditRecord): Promise<void>;
}
