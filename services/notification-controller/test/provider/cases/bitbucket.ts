import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutCommit, commit, failed, goesOn, noCommit, statusKey } from './commit.ts';

const path = `/2.0/repositories/org/repo/commit/${commit}/statuses/build`;
const headers = { authorization: `Basic ${Buffer.from('user:canary').toString('base64')}` };
const read = { method: 'GET', path: `${path}/${statusKey}`, headers };
const statusOf = (state: string, description: string) => ({
  key: statusKey,
  state,
  name: 'kustomization/web',
  description,
  url: 'https://bitbucket.org',
});
const success = statusOf('SUCCESSFUL', 'reconciliation succeeded');

export const bitbucketCase: ProviderCase = {
  type: 'bitbucket',
  host: 'api.bitbucket.org',
  spec: () => ({ address: 'https://bitbucket.org/org/repo' }),
  secret: () => ({ token: 'user:canary' }),
  event: aboutCommit,
  answers: { [`GET ${path}/${statusKey}`]: { status: 404 } },
  deliveries: [
    { name: 'a success', sent: [read, { path, headers, body: success }] },
    {
      name: 'a failure in place of a success',
      event: failed,
      answers: { [`GET ${path}/${statusKey}`]: { body: JSON.stringify(success) } },
      sent: [read, { path, headers, body: statusOf('FAILED', 'health check failed') }],
    },
    { name: 'nothing while something goes on', event: goesOn, sent: [] },
    {
      name: 'nothing that is said already',
      answers: { [`GET ${path}/${statusKey}`]: { body: JSON.stringify(success) } },
      sent: [read],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'a token without rights', reply: { status: 403 }, permanent: false },
  ],
  refused: [
    noCommit,
    {
      name: 'a token without a user',
      change: { secret: { token: 'canary' } },
      says: 'not of the form <user>:<app password>',
    },
  ],
};
