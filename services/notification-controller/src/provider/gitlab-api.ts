import type { Endpoint, ProviderAnswer, ProviderRequest, Send } from './adapter.ts';
import { tokenOrPasswordOf } from './credentials.ts';
import { repositoryOf } from './repository.ts';

type Request = Omit<ProviderRequest, 'url'>;

/** GitLab's API, and that of one project. */
export interface GitlabApi {
  get(path: string): Promise<ProviderAnswer>;
  project(path: string, request: Request): Promise<ProviderAnswer>;
}

/**
 * Opens the API of a GitLab for the project of the address.
 *
 * @throws DeliveryError when there is no token
 */
export function gitlabApi(endpoint: Endpoint, send: Send): GitlabApi {
  const { origin, path } = repositoryOf(endpoint);
  const headers = { 'private-token': tokenOrPasswordOf(endpoint, 'token') };
  const call = (rest: string, request: Request) =>
    send({ ...request, url: `${origin}/api/v4/${rest}`, headers });
  return {
    get: (rest) => call(rest, { method: 'GET' }),
    project: (rest, request) => call(`projects/${encodeURIComponent(path)}/${rest}`, request),
  };
}
