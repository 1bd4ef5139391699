import type { Adapter } from '../adapter.ts';
import { fitEvent } from '../fit.ts';
import { githubApi } from '../github-api.ts';

/** Bytes of the payload, of which GitHub takes less than 64 KB. */
const maxPayload = 64_000;

/**
 * Starts the workflows of a repository that wait for `repository_dispatch`, with the event as payload.
 *
 * @see https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
 */
export const githubDispatch: Adapter = async (event, endpoint, send, { identity }) => {
  const { kind, name, namespace = '' } = event.involvedObject;
  const type = JSON.stringify(`${kind}/${name}.${namespace}`);
  const api = await githubApi(endpoint, send, identity);
  await api.send('dispatches', {
    body: `{"event_type":${type},"client_payload":${fitEvent(event, maxPayload)}}`,
  });
};
