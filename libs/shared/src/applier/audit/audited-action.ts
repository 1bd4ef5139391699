import type { AuditedChange } from '@sluice/shared/api';
import type { Audit, AuditEntry } from './audit.ts';

/** An action with an effect, as the audit trail tells of it: a record before it begins, and one of what it has come to. */
export interface AuditedAction {
  /** Records that it begins, once, however often and by how many at a time it is called. */
  begins(): Promise<void>;
  /** Records what it has come to, if it has begun at all; `changed` is asked for only then. */
  ended(result: 'succeeded' | 'failed', changed?: () => AuditedChange): Promise<void>;
}

/** Makes the records of an action; `what` of the entry is what is known before it. */
export function auditedAction(
  audit: Audit,
  entryOf: () => Omit<AuditEntry, 'phase' | 'result'>,
): AuditedAction {
  let beginning: Promise<void> | undefined;
  return {
    begins() {
      if (!audit.enabled) return Promise.resolve();
      beginning ??= audit.record({ ...entryOf(), phase: 'begins' });
      return beginning;
    },
    async ended(result, changed) {
      if (beginning === undefined) return;
      const { what, ...entry } = entryOf();
      const { objects: _, omitted: __, count: ___, ...digests } = what ?? {};
      await audit.record({
        ...entry,
        phase: 'ended',
        result,
        what: { ...digests, ...changed?.() },
      });
    },
  };
}
