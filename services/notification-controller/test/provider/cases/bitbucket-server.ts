import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutCommit, commit, failed, goesOn, noCommit, statusKey } from './commit.ts';

const path = `/git/rest/api/latest/projects/PRJ/repos/repo/commits/${commit}/builds`;
const headers = {
  authorization: 'Bearer canary',
  'x-atlassian-token': 'no-check',
  'x-requested-with': 'XMLHttpRequest',
};
const read = { method: 'GET', path: `${path}?key=${statusKey}`, headers };
const statusOf = (state: string, description: string) => ({
  description,
  key: statusKey,
  name: `kustomization/web [${description}]`,
  state,
  url: 'https://git.example.org/git/scm/PRJ/repo.git',
});
const success = statusOf('SUCCESSFUL', 'reconciliation succeeded');

export const bitbucketServerCase: ProviderCase = {
  type: 'bitbucketserver',
  host: 'git.example.org',
  spec: () => ({ address: 'https://git.example.org/git/scm/PRJ/repo.git' }),
  secret: () => ({ token: 'canary' }),
  event: aboutCommit,
  answers: { [`GET ${path}`]: { status: 404 } },
  deliveries: [
    { name: 'a success', sent: [read, { path, headers, body: success }] },
    {
      name: 'a failure, with user and password',
      event: failed,
      secret: { token: '', username: 'u', password: 'p' },
      sent: [
        { ...read, headers: { authorization: 'Basic dTpw' } },
        {
          path,
          headers: { authorization: 'Basic dTpw' },
          body: statusOf('FAILED', 'health check failed'),
        },
      ],
    },
    { name: 'nothing while something goes on', event: goesOn, sent: [] },
    {
      name: 'nothing that is said already',
      answers: { [`GET ${path}`]: { body: JSON.stringify(success) } },
      sent: [read],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'a status that is refused', reply: { status: 400 }, permanent: true },
  ],
  refused: [
    noCommit,
    { name: 'no credentials', change: { secret: { token: '' } }, says: 'no credentials' },
    {
      name: 'an address that is no clone',
      change: { spec: { address: 'https://git.example.org/projects/PRJ' } },
      says: '/scm/project/name.git',
    },
  ],
};
