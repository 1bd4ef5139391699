import {
  type Alert,
  type AuditRecord,
  apiVersionOf,
  type FluxEvent,
  helmReleaseKind,
  type KindDefinition,
  kustomizationKind,
  type Provider,
} from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import type { Delivery } from '../delivery/delivery.ts';
import { alertsForRecords, type MatchContext } from '../event/match.ts';
import { takesRecords } from '../provider/record-adapters.ts';

export interface RecordContext extends MatchContext {
  /** The present objects, by `namespace/name`. */
  providerOf: (key: string) => Provider | undefined;
}

const kinds = [kustomizationKind, helmReleaseKind] as KindDefinition[];

/** Whether there are audit records of a kind. */
export function hasRecords(kind: string): boolean {
  return kinds.some((each) => each.kind === kind);
}

/**
 * Finds out to whom an audit record goes: to the Alerts that ask for records of its object, and were there before the
 * trail had it.
 *
 * @param o `storedAt` is when the trail has stored it, in milliseconds since the epoch
 * @throws Error when the API server cannot answer now
 */
export async function spreadRecord(
  record: AuditRecord,
  o: { storedAt: number },
  context: RecordContext,
): Promise<Delivery[]> {
  const event = eventAbout(record);
  const alerts = await alertsForRecords(event, context, (alert) =>
    wantsRecord(alert, record, o.storedAt),
  );
  return alerts
    .filter((alert) => providerTakes(alert, context))
    .map(({ metadata: { namespace = '', name }, spec }) => ({
      id: `audit:${record.id}:${namespace}/${name}`,
      event,
      record,
      alert: { namespace, name },
      provider: spec.providerRef.name,
      key: sha256Hex(`audit/${record.id}`),
      at: o.storedAt,
    }));
}

function wantsRecord({ metadata, spec }: Alert, { action }: AuditRecord, storedAt: number) {
  const { actions } = spec.audit ?? {};
  if (actions !== undefined && !actions.includes(action)) return false;
  return storedAt >= Date.parse(metadata.creationTimestamp ?? '');
}

/** One that is missing may come in a moment, as for events; one of another type is told of by the Alert's condition. */
function providerTakes({ metadata, spec }: Alert, { providerOf }: RecordContext): boolean {
  const provider = providerOf(`${metadata.namespace}/${spec.providerRef.name}`);
  if (provider === undefined) return true;
  return !provider.spec.suspend && takesRecords(provider.spec.type);
}

/** By which a record is matched, queued and told of in logs like an event. */
function eventAbout({ object, action, phase, time, who }: AuditRecord): FluxEvent {
  const kind = kinds.find((each) => each.kind === object.kind);
  return {
    involvedObject: { ...object, ...(kind && { apiVersion: apiVersionOf(kind) }) },
    severity: 'info',
    timestamp: time,
    reason: action,
    message: `audit record: ${action} ${phase}`,
    reportingController: who.controller,
  };
}
