import type { Adapter, Endpoint } from '../adapter.ts';
import { jsonOf, objectOf } from '../answer.ts';
import { commitStatusOf, shortId } from '../commit-status.ts';
import { basic, tokenOf } from '../credentials.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { goJson } from '../go-json.ts';
import { ownedRepositoryOf } from '../repository.ts';

/**
 * Sets the build status of the commit at Bitbucket Cloud, unless it says the same.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
 */
export const bitbucket: Adapter = async (event, endpoint, send, context) => {
  const status = commitStatusOf(event, context);
  if (status === undefined) return;
  const { origin, host, owned } = ownedRepositoryOf(endpoint);
  const base = host.endsWith('bitbucket.org') ? 'https://api.bitbucket.org' : origin;
  const url = `${base}/2.0/repositories/${owned}/commit/${status.commit}/statuses/build`;
  const headers = login(endpoint);
  const { name, description } = status;
  const [key, state] = [shortId(status), status.isFailure ? 'FAILED' : 'SUCCESSFUL'];
  const set = await send({ method: 'GET', url: `${url}/${key}`, headers, accept: [404] });
  if (set.status !== 404) {
    const { state: was, description: said } = objectOf(jsonOf(set.body, 'Bitbucket'));
    if (was === state && said === description) return;
  }
  // One with a key that is known is updated. The address is required.
  const body = goJson({ key, state, name, description, url: 'https://bitbucket.org' });
  await send({ url, headers, body });
};

function login(endpoint: Endpoint): Record<string, string> {
  const parts = tokenOf(endpoint, 'app password').split(':');
  const [username = '', password = ''] = parts;
  if (parts.length === 2) return basic(username, password);
  throw new UnusableProviderError(
    "the key 'token' of the Secret of spec.secretRef is not of the form <user>:<app password>",
  );
}
