import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/v2/alert_events/http/1';
const headers = { authorization: 'Bearer canary' };
const bodyOf = (status: string, severity: string, reason: string) => ({
  title: `kustomization/web.apps: ${reason}`,
  status,
  deduplication_key: '7d0cdc51-ddcf-4743-b223-83ca5c699632',
  description: 'Applied revision: main@sha1:abc',
  metadata: { env: 'prod', reason, reportingController: 'kustomize-controller', severity },
});

export const incidentIoCase: ProviderCase = {
  type: 'incident.io',
  spec: (url) => ({ address: `${url}${path}` }),
  secret: () => ({ token: 'canary' }),
  event: { metadata: { env: 'prod' } },
  answers: { '*': { status: 202 } },
  deliveries: [
    {
      name: 'an alert for a failure',
      event: { severity: 'error', reason: 'BuildFailed' },
      sent: [{ path, headers, body: bodyOf('firing', 'error', 'BuildFailed') }],
    },
    {
      name: 'its resolution',
      sent: [{ path, headers, body: bodyOf('resolved', 'info', 'ReconciliationSucceeded') }],
    },
    { name: 'nothing while something goes on', event: { reason: 'Progressing' }, sent: [] },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an alert that is refused', reply: { status: 422 }, permanent: true },
  ],
  refused: [{ name: 'no token', change: { secret: { token: '' } }, says: "the key 'token'" }],
};
