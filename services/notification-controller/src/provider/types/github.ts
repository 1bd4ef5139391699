import type { Adapter } from '../adapter.ts';
import { listOf, maxPageBytes, objectOf } from '../answer.ts';
import { commitStatusOf } from '../commit-status.ts';
import { fit } from '../fit.ts';
import { githubApi } from '../github-api.ts';
import { goJson } from '../go-json.ts';

/** GitHub refuses longer descriptions. */
const maxDescription = 140;

/**
 * Sets the status of the commit, unless its latest one of the same context says the same.
 *
 * @see https://docs.github.com/en/rest/commits/statuses
 */
export const github: Adapter = async (event, endpoint, send, context) => {
  const status = commitStatusOf(event, context);
  if (status === undefined) return;
  const state = status.isFailure ? 'failure' : 'success';
  const description = fit(status.description, maxDescription);
  const api = await githubApi(endpoint, send, context.identity);
  const answer = await api.send(`commits/${status.commit}/statuses?per_page=50`, {
    method: 'GET',
    maxAnswerBytes: maxPageBytes,
  });
  const latest = objectOf(listOf(answer, 'GitHub').find(({ context: name }) => name === status.id));
  if (latest['state'] === state && latest['description'] === description) return;
  const body = goJson({ state, description, context: status.id });
  await api.send(`statuses/${status.commit}`, { body });
};
