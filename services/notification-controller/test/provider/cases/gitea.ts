import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutCommit, commit, failed, goesOn, noCommit, statusId } from './commit.ts';

const list = `/api/v1/repos/org/repo/commits/${commit}/statuses`;
const path = `/api/v1/repos/org/repo/statuses/${commit}`;
const headers = { authorization: 'token canary' };
const read = { method: 'GET', path: `${list}?limit=50&page=1`, headers };
const statusOf = (state: string, description: string) => ({
  state,
  target_url: '',
  description,
  context: statusId,
});
const success = statusOf('success', 'reconciliation succeeded');

export const giteaCase: ProviderCase = {
  type: 'gitea',
  spec: (url) => ({ address: `${url}/org/repo` }),
  secret: () => ({ token: 'canary' }),
  event: aboutCommit,
  answers: { [`GET ${list}`]: { body: '[]' } },
  deliveries: [
    { name: 'a success', sent: [read, { path, headers, body: success }] },
    {
      name: 'a failure',
      event: failed,
      sent: [read, { path, headers, body: statusOf('failure', 'health check failed') }],
    },
    {
      name: 'what goes on, as pending',
      event: goesOn,
      sent: [read, { path, headers, body: statusOf('pending', 'progressing') }],
    },
    {
      name: 'nothing that is said already',
      answers: {
        [`GET ${list}`]: {
          body: JSON.stringify([
            { context: 'other' },
            { context: statusId, status: 'success', description: success.description },
          ]),
        },
      },
      sent: [read],
    },
    {
      name: 'what was said before another status of the same second',
      answers: {
        [`GET ${list}`]: {
          body: JSON.stringify([
            { id: 1, context: statusId, status: 'success', description: success.description },
            { id: 3, context: 'other', status: 'success', description: success.description },
            { id: 2, context: statusId, status: 'pending', description: 'progressing' },
          ]),
        },
      },
      sent: [read, { path, headers, body: success }],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an unknown repository', reply: { status: 404 }, permanent: false },
    { name: 'an unknown commit', reply: { status: 404 }, permanent: false },
    { name: 'a commit that is none', reply: { status: 422 }, permanent: true },
  ],
  refused: [noCommit, { name: 'no token', change: { secret: { token: '' } }, says: "'token'" }],
};
