import type { Adapter } from '../adapter.ts';
import { githubApi } from '../github-api.ts';
import { eventJson } from '../go-json.ts';

/**
 * Starts the workflows of a repository that wait for `repository_dispatch`, with the event as payload.
 *
 * @see https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
 */
export const githubDispatch: Adapter = async (event, endpoint, send, { tokens }) => {
  const { kind, name, namespace = '' } = event.involvedObject;
  const type = JSON.stringify(`${kind}/${name}.${namespace}`);
  const api = await githubApi(endpoint, send, tokens);
  await api.send('dispatches', {
    body: `{"event_type":${type},"client_payload":${eventJson(event)}}`,
  });
};
