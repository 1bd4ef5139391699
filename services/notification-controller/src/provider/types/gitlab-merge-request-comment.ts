import type { Adapter } from '../adapter.ts';
import { jsonOf, listOf, maxPageBytes, objectOf } from '../answer.ts';
import { commentOf, findComment } from '../comment.ts';
import { gitlabApi } from '../gitlab-api.ts';
import { goJson } from '../go-json.ts';

/** Characters of a note. */
const maxLength = 1_000_000;

/**
 * Writes a note on the merge request, or updates the one that is there.
 *
 * @see https://docs.gitlab.com/api/notes/#merge-requests
 */
export const gitlabMergeRequestComment: Adapter = async (event, endpoint, send) => {
  const comment = commentOf(event, endpoint, { kind: 'mr', maxLength });
  const api = gitlabApi(endpoint, send);
  const user = objectOf(jsonOf((await api.get('user')).body, 'GitLab'));
  const notes = `merge_requests/${comment.request}/notes`;
  const answer = await api.project(`${notes}?order_by=created_at&per_page=100&sort=asc`, {
    method: 'GET',
    maxAnswerBytes: maxPageBytes,
  });
  const id = findComment(listOf(answer, 'GitLab'), comment, {
    name: String(user['username'] ?? ''),
    of: ({ author }) => objectOf(author)['username'],
  });
  const body = goJson({ body: comment.body });
  if (id === undefined) await api.project(notes, { body });
  else await api.project(`${notes}/${id}`, { method: 'PUT', body });
};
