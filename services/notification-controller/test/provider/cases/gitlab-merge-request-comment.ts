import { badToken, type ProviderCase, rateLimit } from '../contract.ts';
import { aboutRequest, commentText, markerOf, noRequest } from './commit.ts';

const notes = '/api/v4/projects/group%2Frepo/merge_requests/7/notes';
const headers = { 'private-token': 'glpat-canary' };
const user = { method: 'GET', path: '/api/v4/user', headers };
const read = {
  method: 'GET',
  path: `${notes}?order_by=created_at&per_page=100&sort=asc`,
  headers,
};
const body = { body: commentText('mr') };
const answersWith = (...found: object[]) => ({
  'GET /api/v4/user': { body: '{"username":"bot"}' },
  [`GET ${notes}`]: { body: JSON.stringify(found) },
});

export const gitlabMergeRequestCommentCase: ProviderCase = {
  type: 'gitlabmergerequestcomment',
  spec: (url) => ({ address: `${url}/group/repo` }),
  secret: () => ({ token: 'glpat-canary' }),
  event: aboutRequest,
  answers: answersWith({ id: 1, author: { username: 'x' }, body: markerOf('mr') }),
  deliveries: [
    { name: 'a new note', sent: [user, read, { path: notes, headers, body }] },
    {
      name: 'an update of its note',
      answers: answersWith({ id: 5, author: { username: 'bot' }, body: markerOf('mr') }),
      sent: [user, read, { method: 'PUT', path: `${notes}/5`, headers, body }],
    },
  ],
  failures: [
    badToken,
    rateLimit,
    { name: 'an unknown merge request', reply: { status: 404 }, permanent: false },
  ],
  refused: [noRequest],
};
