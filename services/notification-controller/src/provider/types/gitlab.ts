import type { Adapter } from '../adapter.ts';
import { listOf, maxPageBytes } from '../answer.ts';
import { commitStatusOf } from '../commit-status.ts';
import { gitlabApi } from '../gitlab-api.ts';
import { goJson } from '../go-json.ts';

/**
 * Sets the status of the commit, unless it has the same one.
 *
 * @see https://docs.gitlab.com/api/commits/#commit-status
 */
export const gitlab: Adapter = async (event, endpoint, send, context) => {
  const status = commitStatusOf(event, context);
  if (status === undefined) return;
  const { commit, id } = status;
  const state = status.isFailure ? 'failed' : 'success';
  const { description } = status;
  const api = gitlabApi(endpoint, send);
  const query = new URLSearchParams({ name: id });
  const answer = await api.project(`repository/commits/${commit}/statuses?${query}`, {
    method: 'GET',
    maxAnswerBytes: maxPageBytes,
  });
  const isSet = listOf(answer, 'GitLab').some(
    (set) =>
      set['sha'] === commit &&
      set['name'] === id &&
      set['status'] === state &&
      set['description'] === description,
  );
  if (isSet) return;
  await api.project(`statuses/${commit}`, { body: goJson({ state, name: id, description }) });
};
