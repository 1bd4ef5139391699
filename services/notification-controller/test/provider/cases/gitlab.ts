import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutCommit, commit, failed, goesOn, noCommit, statusId } from './commit.ts';

const project = '/api/v4/projects/group%2Fsub%2Frepo';
const list = `${project}/repository/commits/${commit}/statuses`;
const path = `${project}/statuses/${commit}`;
const headers = { 'private-token': 'glpat-canary' };
const read = {
  method: 'GET',
  path: `${list}?name=${encodeURIComponent(statusId)}`,
  headers,
};
const success = { state: 'success', name: statusId, description: 'reconciliation succeeded' };

export const gitlabCase: ProviderCase = {
  type: 'gitlab',
  spec: (url) => ({ address: `${url}/group/sub/repo.git` }),
  secret: () => ({ token: 'glpat-canary' }),
  event: aboutCommit,
  answers: { [`GET ${list}`]: { body: '[]' } },
  deliveries: [
    { name: 'a success', sent: [read, { path, headers, body: success }] },
    {
      name: 'a failure',
      event: failed,
      sent: [
        read,
        {
          path,
          headers,
          body: { state: 'failed', name: statusId, description: 'health check failed' },
        },
      ],
    },
    { name: 'nothing while something goes on', event: goesOn, sent: [] },
    {
      name: 'nothing that is said already',
      answers: {
        [`GET ${list}`]: {
          body: JSON.stringify([
            { sha: commit, name: statusId, status: 'success', description: success.description },
          ]),
        },
      },
      sent: [read],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    {
      name: 'a state that does not follow',
      reply: { status: 400, body: '{"message":"Cannot transition status via :run"}' },
      permanent: true,
      says: 'Cannot transition',
    },
    { name: 'an unknown project', reply: { status: 404 }, permanent: false },
  ],
  refused: [noCommit, { name: 'no token', change: { secret: { token: '' } }, says: "'token'" }],
};
