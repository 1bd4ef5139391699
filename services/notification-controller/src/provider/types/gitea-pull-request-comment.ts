import type { Adapter } from '../adapter.ts';
import { jsonOf, listOf, maxPageBytes, objectOf } from '../answer.ts';
import { commentOf, findComment } from '../comment.ts';
import { giteaApi } from '../gitea-api.ts';
import { goJson } from '../go-json.ts';

/** Characters of a comment that every database of Gitea takes. */
const maxLength = 65_535;

/**
 * Writes a comment on the pull request, or updates the one that is there.
 *
 * @see https://docs.gitea.com/api/ (issue, comments)
 */
export const giteaPullRequestComment: Adapter = async (event, endpoint, send) => {
  const comment = commentOf(event, endpoint, { kind: 'pr', maxLength });
  const api = giteaApi(endpoint, send);
  const user = objectOf(jsonOf((await api.get('user')).body, 'Gitea'));
  const comments = `issues/${comment.request}/comments`;
  const answer = await api.repository(`${comments}?limit=100&page=1`, {
    method: 'GET',
    maxAnswerBytes: maxPageBytes,
  });
  const id = findComment(listOf(answer, 'Gitea'), comment, {
    name: String(user['login'] ?? ''),
    of: ({ user: author }) => objectOf(author)['login'],
  });
  const body = goJson({ body: comment.body });
  if (id === undefined) await api.repository(comments, { body });
  else await api.repository(`issues/comments/${id}`, { method: 'PATCH', body });
};
