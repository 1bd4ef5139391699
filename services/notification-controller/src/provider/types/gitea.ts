import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter } from '../adapter.ts';
import { listOf, maxPageBytes, objectOf } from '../answer.ts';
import { anyCommitStatusOf } from '../commit-status.ts';
import { isProgress } from '../facts.ts';
import { giteaApi } from '../gitea-api.ts';
import { goJson } from '../go-json.ts';

/**
 * Sets the status of the commit, pending while something goes on, unless its latest one of the same context says the
 * same.
 *
 * @see https://docs.gitea.com/api/ (repository, statuses)
 */
export const gitea: Adapter = async (event, endpoint, send, context) => {
  const { commit, id, description } = anyCommitStatusOf(event, context);
  const state = stateOf(event);
  const api = giteaApi(endpoint, send);
  const answer = await api.repository(`commits/${commit}/statuses?limit=50&page=1`, {
    method: 'GET',
    maxAnswerBytes: maxPageBytes,
  });
  // They come by their time in seconds, in which there may be several.
  const [newest] = listOf(answer, 'Gitea')
    .filter(({ context: name }) => name === id)
    .toSorted((a, b) => Number(b['id']) - Number(a['id']));
  const latest = objectOf(newest);
  if (latest['status'] === state && latest['description'] === description) return;
  const body = goJson({ state, target_url: '', description, context: id });
  await api.repository(`statuses/${commit}`, { body });
};

function stateOf(event: FluxEvent): string {
  if (isProgress(event)) return 'pending';
  return event.severity === 'error' ? 'failure' : 'success';
}
