import type { AuditRecord } from '@sluice/shared/api';
import type { Bus } from './bus.ts';
import { storedMessages } from './stored-messages.ts';
import { auditSubject } from './streams.ts';

/**
 * Reads the audit trail of an object, the newest record first. A record that was stored twice, as when a retry came more
 * than a day later, is told once.
 *
 * @param o `limit` is the most records to return
 * @throws the server's error when the trail cannot be read now
 */
export async function auditRecords(
  bus: Bus,
  object: Pick<AuditRecord['object'], 'namespace' | 'kind' | 'name'>,
  { limit, signal }: { limit: number; signal?: AbortSignal },
): Promise<AuditRecord[]> {
  const subject = auditSubject(bus.prefix, object);
  const found = new Map<string, AuditRecord>();
  for await (const { data } of storedMessages(bus, { stream: 'audit', subject, signal })) {
    if (!isRecord(data) || found.has(data.id)) continue;
    found.set(data.id, data);
    const [oldest] = found.keys();
    if (found.size > limit && oldest !== undefined) found.delete(oldest);
  }
  return [...found.values()].reverse();
}

function isRecord(data: unknown): data is AuditRecord {
  const { id, action, object } = (data ?? {}) as Partial<AuditRecord>;
  return typeof id === 'string' && typeof action === 'string' && typeof object === 'object';
}
