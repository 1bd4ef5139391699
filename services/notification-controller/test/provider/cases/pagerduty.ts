import { type ProviderCase, rateLimit } from '../contract.ts';

const key = '7d0cdc51-ddcf-4743-b223-83ca5c699632';
const path = '/v2/enqueue';
const changePath = '/v2/change/enqueue';
const details = { message: 'down', metadata: { env: 'prod' } };

export const pagerdutyCase: ProviderCase = {
  type: 'pagerduty',
  spec: (url) => ({ address: `${url}/ignored`, channel: 'routing-1' }),
  event: { message: 'down', metadata: { env: 'prod' } },
  answers: { '*': { status: 202 } },
  deliveries: [
    {
      name: 'an incident for a failure',
      event: { severity: 'error', reason: 'HealthCheckFailed' },
      sent: [
        {
          path,
          body: {
            routing_key: 'routing-1',
            event_action: 'trigger',
            dedup_key: key,
            payload: {
              summary: 'health check failed: kustomization/web',
              source: 'Flux kustomize-controller',
              severity: 'error',
              timestamp: '2026-01-02T03:04:05Z',
              component: 'web',
              group: 'Kustomization',
              custom_details: details,
            },
          },
        },
      ],
    },
    {
      name: 'its resolution, and a change',
      sent: [
        {
          path,
          body: { routing_key: 'routing-1', event_action: 'resolve', dedup_key: key },
        },
        {
          path: changePath,
          body: {
            routing_key: 'routing-1',
            payload: {
              summary: 'reconciliation succeeded: kustomization/web',
              source: 'Flux kustomize-controller',
              timestamp: '2026-01-02T03:04:05Z',
              custom_details: details,
            },
            links: null,
          },
        },
      ],
    },
    { name: 'nothing while something goes on', event: { reason: 'Progressing' }, sent: [] },
  ],
  failures: [
    rateLimit,
    {
      name: 'an unknown key',
      reply: { status: 400, body: '{"status":"invalid event","errors":["routing_key"]}' },
      permanent: true,
      says: 'invalid event',
    },
    { name: 'a service that is down', reply: { status: 500 }, permanent: false },
  ],
  refused: [{ name: 'no key', change: { spec: { channel: '' } }, says: 'spec.channel is missing' }],
};
