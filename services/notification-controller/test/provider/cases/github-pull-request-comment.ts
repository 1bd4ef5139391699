import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutRequest, commentText, markerOf, noRequest, wrongRequest } from './commit.ts';

const comments = '/api/v3/repos/org/repo/issues/7/comments';
const headers = { authorization: 'Bearer ghp-canary' };
const user = { method: 'GET', path: '/api/v3/user', headers };
const read = {
  method: 'GET',
  path: `${comments}?direction=asc&per_page=100&sort=created`,
  headers,
};
const body = { body: commentText('pr') };
const answersWith = (...found: object[]) => ({
  'GET /api/v3/user': { body: '{"login":"bot"}' },
  [`GET ${comments}`]: { body: JSON.stringify(found) },
});

export const githubPullRequestCommentCase: ProviderCase = {
  type: 'githubpullrequestcomment',
  spec: (url) => ({ address: `${url}/org/repo` }),
  secret: () => ({ token: 'ghp-canary' }),
  event: aboutRequest,
  answers: answersWith(
    { id: 1, user: { login: 'somebody' }, body: `${markerOf('pr')} quoted` },
    { id: 2, user: { login: 'bot' }, body: 'something else' },
  ),
  deliveries: [
    { name: 'a new comment', sent: [user, read, { path: comments, headers, body }] },
    {
      name: 'an update of its comment',
      answers: answersWith({ id: 5, user: { login: 'bot' }, body: `${markerOf('pr')}\n\nold` }),
      sent: [
        user,
        read,
        { method: 'PATCH', path: '/api/v3/repos/org/repo/issues/comments/5', headers, body },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an unknown pull request', reply: { status: 404 }, permanent: false },
  ],
  refused: [noRequest, wrongRequest],
};
