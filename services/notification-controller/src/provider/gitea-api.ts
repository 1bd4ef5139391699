import type { Endpoint, ProviderAnswer, ProviderRequest, Send } from './adapter.ts';
import { tokenOrPasswordOf } from './credentials.ts';
import { ownedRepositoryOf } from './repository.ts';

type Request = Omit<ProviderRequest, 'url'>;

/** Gitea's API, and that of one repository. */
export interface GiteaApi {
  get(path: string): Promise<ProviderAnswer>;
  repository(path: string, request: Request): Promise<ProviderAnswer>;
}

/**
 * Opens the API of a Gitea or Forgejo for the repository of the address.
 *
 * @throws DeliveryError when there is no token, or the address names no repository
 */
export function giteaApi(endpoint: Endpoint, send: Send): GiteaApi {
  const { origin, owned } = ownedRepositoryOf(endpoint);
  const headers = { authorization: `token ${tokenOrPasswordOf(endpoint, 'token')}` };
  const call = (path: string, request: Request) =>
    send({ ...request, url: `${origin}/api/v1/${path}`, headers });
  return {
    get: (path) => call(path, { method: 'GET' }),
    repository: (path, request) => call(`repos/${owned}/${path}`, request),
  };
}
