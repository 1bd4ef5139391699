import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/api/v2/alerts/';
const body =
  '[{"status":"firing","labels":{"alertname":"FluxKustomizationHealthcheckfailed","kind":"Kustomization","name":"web","namespace":"apps","reason":"HealthCheckFailed","reportingcontroller":"kustomize-controller","revision":"r1","severity":"error"},"annotations":{"message":"a \\u003c b \\u0026 c","summary":"shop is down"},"startsAt":"2026-01-02T03:04:05Z","endsAt":"0001-01-01T00:00:00Z"}]';

export const alertmanagerCase: ProviderCase = {
  type: 'alertmanager',
  spec: (url) => ({ address: `${url}${path}` }),
  secret: () => ({}),
  event: {
    message: 'a < b & c',
    severity: 'error',
    reason: 'HealthCheckFailed',
    metadata: { summary: 'shop is down', revision: 'r1', name: 'shadowed' },
  },
  deliveries: [
    {
      name: 'one alert, with the summary as annotation',
      sent: [{ path, headers: { authorization: undefined }, body }],
    },
    {
      name: 'with a token',
      secret: { token: 'canary' },
      sent: [{ path, headers: { authorization: 'Bearer canary' }, body }],
    },
    {
      name: 'with user and password rather than a token',
      secret: { token: 'canary', username: 'u', password: 'p' },
      sent: [{ path, headers: { authorization: 'Basic dTpw' }, body }],
    },
    {
      name: 'with a user alone, which is nothing',
      secret: { username: 'u' },
      sent: [{ path, headers: { authorization: undefined }, body }],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an alert that is refused', reply: { status: 400 }, permanent: true },
  ],
};
