import { type ProviderCase, rateLimit } from '../contract.ts';

const path = '/api/v1/events';
const headers = { 'dd-api-key': 'canary' };
const bodyOf = (type: string, ...more: string[]) => ({
  alert_type: type,
  date_happened: 1767323045,
  source_type_name: 'fluxcd',
  tags: [
    'flux_reporting_controller:kustomize-controller',
    'flux_reason:reconciliationsucceeded',
    'kube_kind:kustomization',
    'kube_name:web',
    'kube_namespace:apps',
    ...more,
  ],
  text: 'Applied revision: main@sha1:abc',
  title: 'Events from the Kustomization web/apps',
});

export const datadogCase: ProviderCase = {
  type: 'datadog',
  spec: (url) => ({ address: `${url}/ignored` }),
  secret: () => ({ token: 'canary' }),
  answers: { '*': { status: 202 } },
  deliveries: [
    { name: 'an event', sent: [{ path, headers, body: bodyOf('info') }] },
    {
      name: 'an error, with metadata as tags in small letters',
      event: { severity: 'error', metadata: { Env: 'Prod' } },
      sent: [{ path, headers, body: bodyOf('error', 'env:prod') }],
    },
  ],
  failures: [
    rateLimit,
    {
      name: 'a bad key',
      reply: { status: 403, body: '{"errors":["Forbidden"]}' },
      permanent: false,
      says: 'Forbidden',
    },
    { name: 'an event that is refused', reply: { status: 400 }, permanent: true },
  ],
  refused: [{ name: 'no key', change: { secret: { token: '' } }, says: "the key 'token'" }],
};
