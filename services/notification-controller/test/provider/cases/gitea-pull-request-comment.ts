import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutRequest, commentText, markerOf, noRequest } from './commit.ts';

const comments = '/api/v1/repos/org/repo/issues/7/comments';
const headers = { authorization: 'token canary' };
const user = { method: 'GET', path: '/api/v1/user', headers };
const read = { method: 'GET', path: `${comments}?limit=100&page=1`, headers };
const body = { body: commentText('pr') };
const answersWith = (...found: object[]) => ({
  'GET /api/v1/user': { body: '{"login":"bot"}' },
  [`GET ${comments}`]: { body: JSON.stringify(found) },
});

export const giteaPullRequestCommentCase: ProviderCase = {
  type: 'giteapullrequestcomment',
  spec: (url) => ({ address: `${url}/org/repo` }),
  secret: () => ({ token: 'canary' }),
  event: aboutRequest,
  answers: answersWith({ id: 1, user: { login: 'x' }, body: markerOf('pr') }),
  deliveries: [
    { name: 'a new comment', sent: [user, read, { path: comments, headers, body }] },
    {
      name: 'an update of its comment',
      answers: answersWith({ id: 5, user: { login: 'bot' }, body: markerOf('pr') }),
      sent: [
        user,
        read,
        { method: 'PATCH', path: '/api/v1/repos/org/repo/issues/comments/5', headers, body },
      ],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an unknown pull request', reply: { status: 404 }, permanent: false },
  ],
  refused: [noRequest],
};
