import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutCommit, commit, failed, goesOn, noCommit, statusId } from './commit.ts';

const list = `/org/proj/_apis/git/repositories/repo/commits/${commit}/statuses`;
const path = `${list}?api-version=6.0`;
const headers = { authorization: `Basic ${Buffer.from(':pat-canary').toString('base64')}` };
const read = { method: 'GET', path, headers };
const statusOf = (state: string, description: string, genre = 'fluxcd') => ({
  context: { genre, name: statusId },
  description,
  state,
});
const success = statusOf('succeeded', 'reconciliation succeeded');
const answerWith = (...value: object[]) => ({
  [`GET ${list}`]: { body: JSON.stringify({ value, count: value.length }) },
});

export const azureDevOpsCase: ProviderCase = {
  type: 'azuredevops',
  spec: (url) => ({ address: `${url}/org/proj/_git/repo` }),
  secret: () => ({ token: 'pat-canary' }),
  event: aboutCommit,
  answers: answerWith(),
  deliveries: [
    { name: 'a success', sent: [read, { path, headers, body: success }] },
    {
      name: 'a failure, with the summary as part of the genre',
      event: { ...failed, metadata: { ...aboutCommit.metadata, summary: 'shop' } },
      answers: answerWith(success),
      sent: [
        read,
        { path, headers, body: statusOf('error', 'health check failed', 'fluxcd:shop') },
      ],
    },
    { name: 'nothing while something goes on', event: goesOn, sent: [] },
    {
      name: 'nothing that is said already',
      answers: answerWith({ ...success, context: { genre: 'other', name: statusId } }, success),
      sent: [read],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    {
      name: 'a page to log in, which a bad token gets',
      reply: { status: 203, body: '<html>' },
      permanent: false,
      says: 'Azure DevOps did not answer with JSON',
    },
  ],
  refused: [
    noCommit,
    {
      name: 'no token for a server that is not of Azure',
      change: { secret: { token: '' } },
      says: 'put a personal access token',
    },
    {
      name: 'an address of a project',
      change: { spec: { address: 'https://dev.azure.com/org/proj' } },
      says: 'https://dev.azure.com/organization/project/_git/name',
    },
  ],
};
