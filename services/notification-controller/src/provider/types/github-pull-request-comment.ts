import type { Adapter } from '../adapter.ts';
import { listOf, maxPageBytes, objectOf } from '../answer.ts';
import { commentOf, findComment } from '../comment.ts';
import { githubApi } from '../github-api.ts';
import { goJson } from '../go-json.ts';

/** Characters of a comment. */
const maxLength = 65_536;

/**
 * Writes a comment on the pull request, or updates the one that is there.
 *
 * @see https://docs.github.com/en/rest/issues/comments
 */
export const githubPullRequestComment: Adapter = async (event, endpoint, send, { identity }) => {
  const comment = commentOf(event, endpoint, { kind: 'pr', maxLength });
  const api = await githubApi(endpoint, send, identity);
  const name = await api.login();
  const comments = `issues/${comment.request}/comments`;
  const answer = await api.send(`${comments}?direction=asc&per_page=100&sort=created`, {
    method: 'GET',
    maxAnswerBytes: maxPageBytes,
  });
  const id = findComment(listOf(answer, 'GitHub'), comment, {
    name,
    of: ({ user }) => objectOf(user)['login'],
  });
  const body = goJson({ body: comment.body });
  if (id === undefined) await api.send(comments, { body });
  else await api.send(`issues/comments/${id}`, { method: 'PATCH', body });
};
