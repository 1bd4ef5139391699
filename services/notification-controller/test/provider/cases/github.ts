import { generateKeyPairSync } from 'node:crypto';
import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutCommit, commit, failed, goesOn, noCommit, noHash, statusId } from './commit.ts';

const list = `/api/v3/repos/org/repo/commits/${commit}/statuses`;
const path = `/api/v3/repos/org/repo/statuses/${commit}`;
const headers = {
  authorization: 'Bearer ghp-canary',
  accept: 'application/vnd.github+json',
  'x-github-api-version': '2022-11-28',
};
const read = { method: 'GET', path: `${list}?per_page=50`, headers };
const success = { state: 'success', description: 'reconciliation succeeded', context: statusId };
const answerWith = (...statuses: object[]) => ({
  [`GET ${list}`]: { body: JSON.stringify(statuses) },
});

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const app = {
  token: '',
  githubAppID: '1',
  githubAppInstallationID: '2',
  githubAppPrivateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
};

export const githubCase: ProviderCase = {
  type: 'github',
  spec: (url) => ({ address: `${url}/org/repo.git` }),
  secret: () => ({ token: 'ghp-canary' }),
  event: aboutCommit,
  answers: answerWith(),
  deliveries: [
    { name: 'a success', sent: [read, { path, headers, body: success }] },
    {
      name: 'a failure',
      event: failed,
      sent: [
        read,
        {
          path,
          headers: { ...headers, 'content-type': 'application/json' },
          body: { state: 'failure', description: 'health check failed', context: statusId },
        },
      ],
    },
    { name: 'nothing while something goes on', event: goesOn, sent: [] },
    {
      name: 'nothing that is said already',
      answers: answerWith({ ...success, context: 'other', state: 'failure' }, success),
      sent: [read],
    },
    {
      name: 'what was said before the latest',
      answers: answerWith({ ...success, state: 'failure' }, success),
      sent: [read, { path, body: success }],
    },
    {
      name: 'the commit of an annotation',
      event: { metadata: { commit: `sha1:${commit}`, revision: '1.2.3' } },
      sent: [read, { path, body: success }],
    },
    {
      name: 'with the password as token',
      secret: { token: '', password: 'pw-canary' },
      sent: [
        { ...read, headers: { authorization: 'Bearer pw-canary' } },
        { path, body: success },
      ],
    },
    {
      name: 'as the installation of an App',
      secret: app,
      answers: {
        'POST /api/v3/app/installations/2/access_tokens': {
          status: 201,
          body: '{"token":"ghs-canary"}',
        },
      },
      sent: [
        { path: '/api/v3/app/installations/2/access_tokens' },
        { ...read, headers: { authorization: 'Bearer ghs-canary' } },
        { path, headers: { authorization: 'Bearer ghs-canary' }, body: success },
      ],
    },
    ...['orgs', 'users'].map((kind) => ({
      name: `as the installation of an App at one of ${kind}`,
      secret: { ...app, githubAppInstallationID: '', githubAppInstallationOwner: 'org/x' },
      answers: {
        'GET /api/v3/orgs/org%2Fx/installation': { status: 404 },
        [`GET /api/v3/${kind}/org%2Fx/installation`]: { body: '{"id":2}' },
        'POST /api/v3/app/installations/2/access_tokens': { body: '{"token":"ghs-canary"}' },
      },
      sent: [
        { method: 'GET', path: '/api/v3/orgs/org%2Fx/installation' },
        ...(kind === 'users'
          ? [{ method: 'GET', path: '/api/v3/users/org%2Fx/installation' }]
          : []),
        { path: '/api/v3/app/installations/2/access_tokens' },
        { ...read, headers: { authorization: 'Bearer ghs-canary' } },
        { path, body: success },
      ],
    })),
  ],
  failures: [
    badToken,
    rateLimit,
    {
      name: 'a used-up hour',
      reply: {
        status: 403,
        headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4102444800' },
      },
      permanent: false,
      retryAfterMs: 3_600_000,
    },
    {
      name: 'an unknown commit',
      reply: { status: 422, body: '{"message":"No commit found for SHA"}' },
      permanent: true,
      says: 'No commit found',
    },
    { name: 'an unknown repository', reply: { status: 404 }, permanent: false },
    { name: 'no list', reply: { status: 200, body: '{}' }, permanent: false, says: 'a list' },
  ],
  refused: [
    noCommit,
    noHash,
    { name: 'no token', change: { secret: { token: '' } }, says: "the key 'token'" },
    {
      name: 'half an App',
      change: { secret: { token: '', githubAppID: '1', githubAppPrivateKey: 'canary' } },
      says: 'neither githubAppInstallationID nor githubAppInstallationOwner',
    },
    {
      name: 'two installations of an App',
      change: { secret: { ...app, githubAppInstallationOwner: 'org' } },
      says: 'both githubAppInstallationID and githubAppInstallationOwner',
    },
    {
      name: 'an App without a key',
      change: { secret: { ...app, githubAppPrivateKey: '' } },
      says: 'no githubAppPrivateKey',
    },
    {
      name: 'an App without a usable key',
      change: {
        secret: { ...app, githubAppPrivateKey: 'canary' },
      },
      says: 'githubAppPrivateKey',
    },
    {
      name: 'an address without a repository',
      change: { spec: { address: 'https://github.com/org' } },
      says: 'spec.address names no repository',
    },
  ],
};
