import { Struct } from '../../src/template/values.ts';

const reference = {
  APIVersion: 'kustomize.toolkit.fluxcd.io/v1',
  Kind: 'Kustomization',
  Namespace: 'apps',
  Name: 'web',
  UID: '49f68a5c',
  ResourceVersion: '12',
};
const event = {
  Severity: 'error',
  Timestamp: '2026-01-01T00:00:00Z',
  Message: 'Deployment/apps/web failed:\n  "no" <image> & größer\t😀',
  Reason: 'HealthCheckFailed',
  ReportingController: 'kustomize-controller',
  ReportingInstance: '',
};
const metadata = { revision: 'main@sha1:abc', 'a-b': 'dash', empty: '', äöü: 'umlaut' };
const alert = { Namespace: 'apps', Name: 'chat' };

/** The same data in the form of Go and in ours. */
export const goData = {
  Event: { ...event, InvolvedObject: reference, Metadata: metadata },
  Alert: alert,
};
export const ourData = new Struct('the data', {
  Event: new Struct('Event', {
    ...event,
    InvolvedObject: new Struct('InvolvedObject', reference),
    Metadata: new Map(Object.entries(metadata)),
  }),
  Alert: new Struct('Alert', alert),
});
