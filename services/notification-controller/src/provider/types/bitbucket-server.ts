import type { Adapter, Endpoint } from '../adapter.ts';
import { jsonOf, objectOf } from '../answer.ts';
import { commitStatusOf, shortId } from '../commit-status.ts';
import { basic, bearer } from '../credentials.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { fit } from '../fit.ts';
import { goJson } from '../go-json.ts';

/** Characters of the name of a build. */
const maxName = 255;
/** Without them the server takes a request for one of a browser that was led astray. */
const noBrowser = { 'x-atlassian-token': 'no-check', 'x-requested-with': 'XMLHttpRequest' };

/**
 * Sets the build status of the commit at Bitbucket Server or Data Center, unless it says the same.
 *
 * @see https://developer.atlassian.com/server/bitbucket/rest/ (builds and deployments)
 */
export const bitbucketServer: Adapter = async (event, endpoint, send, context) => {
  const status = commitStatusOf(event, context);
  if (status === undefined) return;
  const { commit, description } = status;
  const url = `${commitsUrl(endpoint)}/${commit}/builds`;
  const headers = { ...login(endpoint), ...noBrowser };
  const key = shortId(status);
  const state = status.isFailure ? 'FAILED' : 'SUCCESSFUL';
  // Shown there in place of the description.
  const name = fit(`${status.name} [${description}]`, maxName);
  const set = await send({ method: 'GET', url: `${url}?key=${key}`, headers, accept: [404] });
  if (set.status === 200) {
    const was = objectOf(jsonOf(set.body, 'Bitbucket Server'));
    const isSame = Object.entries({ key, state, description, name }).every(
      ([field, value]) => was[field] === value,
    );
    if (isSame) return;
  }
  const body = goJson({ description, key, name, state, url: endpoint.address });
  await send({ url, headers, body });
};

/** The address is that of a clone over HTTP; what comes before `/scm/` is the context path of the server. */
function commitsUrl({ address }: Endpoint): string {
  const { origin, pathname } = new URL(address);
  const [, contextPath = '', project, repository] =
    /^(.*)\/scm\/([^/]+)\/([^/]+?)(?:\.git)?$/.exec(pathname) ?? [];
  if (project !== undefined && repository !== undefined) {
    const path = `projects/${project}/repos/${repository}/commits`;
    return `${origin}${contextPath}/rest/api/latest/${path}`;
  }
  throw new UnusableProviderError(
    'spec.address names no repository: write the address of a clone, https://host/scm/project/name.git',
  );
}

function login({ token, username, password }: Endpoint): Record<string, string> {
  if (token) return bearer(token);
  if (username && password) return basic(username, password);
  throw new UnusableProviderError(
    "the provider has no credentials: put the key 'token', or 'username' and 'password', into the Secret of spec.secretRef",
  );
}
