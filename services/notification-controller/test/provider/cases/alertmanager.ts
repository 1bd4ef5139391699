import { badToken, type ProviderCase, rateLimit } from '../contract.ts';

const path = '/api/v2/alerts/';
const firing =
  '{"status":"firing","labels":{"alertname":"FluxKustomizationHealthcheckfailed","kind":"Kustomization","name":"web","namespace":"apps","reason":"HealthCheckFailed","reportingcontroller":"kustomize-controller","revision":"r1","severity":"error"},"annotations":{"message":"a \\u003c b \\u0026 c","summary":"shop is down"},"startsAt":"2026-01-02T03:04:05Z","endsAt":"0001-01-01T00:00:00Z"}';

const body = `[${firing}]`;
const resolved = firing
  .replace('"status":"firing"', '"status":"resolved"')
  .replace('"endsAt":"0001-01-01T00:00:00Z"', '"endsAt":"2026-01-02T04:00:00Z"');
const failed = {
  message: 'a < b & c',
  severity: 'error',
  reason: 'HealthCheckFailed',
  metadata: { summary: 'shop is down', revision: 'r1', name: 'shadowed' },
} as const;
const recovered = {
  severity: 'info',
  reason: 'ReconciliationSucceeded',
  message: 'up',
  timestamp: '2026-01-02T04:00:00Z',
  metadata: {},
} as const;

export const alertmanagerCase: ProviderCase = {
  type: 'alertmanager',
  spec: (url) => ({ address: `${url}${path}` }),
  secret: () => ({}),
  event: failed,
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
    {
      name: 'the end of a failure, with the same labels',
      event: recovered,
      ends: { failures: [{ event: failed }], only: true },
      sent: [{ path, body: `[${resolved}]` }],
    },
    {
      name: 'the end of a failure along with the event itself',
      event: recovered,
      ends: { failures: [{ event: failed }], only: false },
      sent: [
        {
          path,
          body: `[{"status":"firing","labels":{"alertname":"FluxKustomizationReconciliationsucceeded","kind":"Kustomization","name":"web","namespace":"apps","reason":"ReconciliationSucceeded","reportingcontroller":"kustomize-controller","severity":"info"},"annotations":{"message":"up"},"startsAt":"2026-01-02T04:00:00Z","endsAt":"0001-01-01T00:00:00Z"},${resolved}]`,
        },
      ],
    },
    {
      name: 'the alerts of a group in one request',
      event: recovered,
      ends: { failures: [], only: false, members: [failed, failed] },
      sent: [{ path, body: `[${firing},${firing}]` }],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an alert that is refused', reply: { status: 400 }, permanent: true },
  ],
};
