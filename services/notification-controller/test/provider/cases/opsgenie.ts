import { createHash } from 'node:crypto';
import { badToken, type ProviderCase, providerUid, rateLimit } from '../contract.ts';

const path = '/v2/alerts';
const headers = { authorization: 'GenieKey canary' };
const aliasOf = (reason: string) =>
  createHash('sha256').update(`${providerUid}/Kustomization/apps/web/${reason}`).digest('hex');

export const opsgenieCase: ProviderCase = {
  type: 'opsgenie',
  spec: (url) => ({ address: `${url}${path}` }),
  secret: () => ({ token: 'canary' }),
  deliveries: [
    {
      name: 'an alert',
      event: {
        severity: 'error',
        reason: 'HealthCheckFailed',
        message: 'down',
        metadata: { revision: 'r1' },
      },
      sent: [
        {
          path,
          headers,
          body: {
            message: 'Kustomization/web',
            alias: aliasOf('HealthCheckFailed'),
            description: 'down',
            details: { revision: 'r1', severity: 'error' },
          },
        },
      ],
    },
    {
      name: 'a long text, shortened',
      event: { message: 'x'.repeat(16_000) },
      sent: [
        {
          path,
          headers,
          body: {
            message: 'Kustomization/web',
            alias: aliasOf('ReconciliationSucceeded'),
            description: `${'x'.repeat(14_971)} … (1029 characters cut off)`,
            details: { severity: 'info' },
          },
        },
      ],
    },
    {
      name: 'the end of failures, each reason once',
      event: { message: 'up' },
      ends: {
        failures: [
          { event: { reason: 'HealthCheckFailed', metadata: { revision: 'r1' } } },
          { event: { reason: 'HealthCheckFailed', metadata: { revision: 'r2' } } },
          { event: { reason: 'BuildFailed' } },
        ],
        only: true,
      },
      sent: ['HealthCheckFailed', 'BuildFailed'].map((reason) => ({
        path: `${path}/${aliasOf(reason)}/close?identifierType=alias`,
        headers,
        body: { source: 'Flux', note: 'up' },
      })),
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'a key without rights', reply: { status: 403 }, permanent: false },
    { name: 'an alert that is refused', reply: { status: 422 }, permanent: true },
  ],
  refused: [{ name: 'no key', change: { secret: { token: '' } }, says: "the key 'token'" }],
};
