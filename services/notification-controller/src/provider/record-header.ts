import type { AuditRecord } from '@sluice/shared/api';

/** The header by which a message is known as an audit record, and repetitions of it: it has the record's id. */
export function recordHeader({ id }: AuditRecord): Record<string, string> {
  return { 'Sluice-Audit-Record': id };
}
