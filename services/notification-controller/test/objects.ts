import type { Alert, FluxEvent, Provider } from '@sluice/shared/api';

/** An event about the Kustomization apps/web. */
export function eventOf(change: Partial<FluxEvent> = {}): FluxEvent {
  return {
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      namespace: 'apps',
      name: 'web',
      uid: '7d0cdc51-ddcf-4743-b223-83ca5c699632',
    },
    severity: 'info',
    timestamp: '2026-01-02T03:04:05.678Z',
    message: 'Applied revision: main@sha1:abc',
    reason: 'ReconciliationSucceeded',
    reportingController: 'kustomize-controller',
    reportingInstance: 'kustomize-controller-0',
    ...change,
  };
}

/** An Alert for all Kustomizations of its namespace, apps unless told. */
export function alertOf(
  spec: Partial<Alert['spec']> = {},
  metadata: Partial<Alert['metadata']> = {},
): Alert {
  return {
    apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
    kind: 'Alert',
    metadata: { namespace: 'apps', name: 'alert', ...metadata },
    spec: {
      providerRef: { name: 'provider' },
      eventSources: [{ kind: 'Kustomization', name: '*' }],
      ...spec,
    },
  };
}

/** The Provider apps/provider, `generic` unless told. */
export function providerOf(
  spec: Partial<Provider['spec']> = {},
  metadata: Partial<Provider['metadata']> = {},
): Provider {
  return {
    apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
    kind: 'Provider',
    metadata: { namespace: 'apps', name: 'provider', ...metadata },
    spec: { type: 'generic', ...spec },
  };
}
