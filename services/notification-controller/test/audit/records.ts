import { randomBytes } from 'node:crypto';
import type { AuditRecord } from '@sluice/shared/api';
import { auditSubject, type Bus } from '@sluice/shared/bus';

/** An audit record about the Kustomization apps/web, of which there is no other. */
export function recordOf(change: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id: `${randomBytes(8).toString('hex')}.begins`,
    time: '2026-01-02T03:04:05.678Z',
    action: 'apply',
    phase: 'begins',
    object: { kind: 'Kustomization', namespace: 'apps', name: 'web', uid: '6d1e' },
    revision: 'main@sha1:4f1c',
    who: { controller: 'kustomize-controller', author: 'Ada' },
    what: {
      after: 'sha256:9a',
      count: 1,
      objects: [{ kind: 'Deployment.apps', namespace: 'apps', name: 'web', action: 'apply' }],
    },
    ...change,
  };
}

/** Stores a record about a Kustomization of a namespace in the audit trail. */
export async function publishRecord(
  bus: Bus,
  namespace: string,
  change: Partial<AuditRecord> = {},
): Promise<AuditRecord> {
  await bus.ready();
  const record = recordOf(change);
  const data = { ...record, object: { ...record.object, namespace } };
  await bus.publish({ subject: auditSubject(bus.prefix, data.object), data, id: data.id });
  return data;
}

/** Finds the request that has a record. */
export const withRecord =
  ({ id }: AuditRecord) =>
  (request: { headers: Record<string, string | string[] | undefined> }) =>
    request.headers['sluice-audit-record'] === id;
