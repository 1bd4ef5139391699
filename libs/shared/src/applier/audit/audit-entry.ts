import { commitAuthorFact, factPrefix, type KubeObject } from '@sluice/shared/api';
import type { AuditEntry } from './audit.ts';

/** What is acted on. */
export interface AuditSubject {
  object: KubeObject & { spec: { changePolicy?: { mode?: string } } };
  /** Of the source, or whatever else the object calls a revision. */
  revision: string | undefined;
  /** What is known of where the revision comes from (`originFacts`). */
  facts: Readonly<Record<string, string>> | undefined;
}

/**
 * Makes what all records of a reconcile say.
 *
 * @param occasion see {@link AuditEntry.occasion}
 */
export function auditEntry(
  { object, revision, facts }: AuditSubject,
  action: AuditEntry['action'],
  occasion: AuditEntry['occasion'],
): Omit<AuditEntry, 'phase' | 'result'> {
  const mode = object.spec.changePolicy?.mode;
  return {
    action,
    object,
    occasion,
    revision,
    author: facts?.[`${factPrefix}${commitAuthorFact}`],
    ...(mode && { why: { mode } }),
  };
}
