import type { Alert, Provider } from '@sluice/shared/api';
import { hasRecords } from '../audit/spread-record.ts';
import { recordTypes, takesRecords } from '../provider/record-adapters.ts';
import { type AlertRules, namespaceProblems } from './check-alert.ts';

export interface AuditContext {
  hasNats: boolean;
  /** The present Provider, by `namespace/name`. */
  providerOf: (key: string) => Provider | undefined;
  rules: AlertRules;
}

/** Why audit records are not sent for an Alert that asks for them. */
export interface AuditProblem {
  reason: string;
  message: string;
}

/** Finds why the audit records that an Alert asks for are not sent, or not all of them; undefined when they are. */
export function auditProblem(alert: Alert, context: AuditContext): AuditProblem | undefined {
  const { spec, metadata } = alert;
  if (!context.hasNats) {
    const message =
      'spec.audit needs NATS, where the audit trail is: set --nats-url of notification-controller, kustomize-controller and helm-controller';
    return { reason: 'NatsRequired', message };
  }
  if (!spec.eventSources.some(({ kind }) => hasRecords(kind))) {
    const message =
      'spec.eventSources names no object with audit records: name a Kustomization or HelmRelease';
    return { reason: 'InvalidConfig', message };
  }
  const [forbidden] = namespaceProblems(alert, context.rules);
  if (forbidden !== undefined)
    return { reason: 'InvalidConfig', message: `${forbidden.field}: ${forbidden.problem}` };
  const { name } = spec.providerRef;
  const provider = context.providerOf(`${metadata.namespace}/${name}`);
  if (provider === undefined) {
    const message = `spec.providerRef names the Provider '${name}', which does not exist or whose spec is refused: create or correct it, or correct the Alert`;
    return { reason: 'ProviderNotFound', message };
  }
  const { type } = provider.spec;
  if (takesRecords(type)) return undefined;
  const message = `spec.providerRef names the Provider '${name}' of type ${type}, which takes no audit records: use one of ${recordTypes.join(', ')}`;
  return { reason: 'UnsupportedProvider', message };
}
