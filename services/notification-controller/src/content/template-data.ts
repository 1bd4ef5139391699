import type { FluxEvent } from '@sluice/shared/api';
import { Struct } from '../template/values.ts';

/**
 * Makes what `spec.template` of an Alert may name: the event and the Alert, with the names of their fields in Go.
 *
 * @param metadata in place of the event's
 */
export function templateData(
  event: FluxEvent,
  alert: { namespace?: string; name: string },
  metadata: ReadonlyMap<string, string> = new Map(Object.entries(event.metadata ?? {})),
): Struct {
  const { kind, namespace = '', name, apiVersion = '', uid = '' } = event.involvedObject;
  const { resourceVersion = '' } = event.involvedObject;
  const involvedObject = {
    APIVersion: apiVersion,
    Kind: kind,
    Namespace: namespace,
    Name: name,
    UID: uid,
    ResourceVersion: resourceVersion,
  };
  const fields = {
    InvolvedObject: new Struct('InvolvedObject', involvedObject),
    Severity: event.severity,
    Timestamp: event.timestamp,
    Message: event.message,
    Reason: event.reason,
    Metadata: metadata,
    ReportingController: event.reportingController,
    ReportingInstance: event.reportingInstance ?? '',
  };
  return new Struct('the data', {
    Event: new Struct('Event', fields),
    Alert: new Struct('Alert', { Namespace: alert.namespace ?? '', Name: alert.name }),
  });
}
