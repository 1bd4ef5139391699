import { azureScopes } from '@sluice/shared/cloud';
import type { Adapter, Endpoint } from '../adapter.ts';
import { jsonOf, maxPageBytes, objectOf } from '../answer.ts';
import { commitStatusOf } from '../commit-status.ts';
import { basic } from '../credentials.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { goJson } from '../go-json.ts';
import type { ProviderIdentity } from '../provider-identity.ts';
import { repositoryOf } from '../repository.ts';

const version = 'api-version=6.0';
const azureHosts = /^(?:dev\.azure\.com|[a-z0-9-]+\.visualstudio\.com)$/;

/**
 * Sets the status of the commit at Azure DevOps, unless its latest one of the same name and genre says the same.
 *
 * @see https://learn.microsoft.com/rest/api/azure/devops/git/statuses
 */
export const azureDevOps: Adapter = async (event, endpoint, send, context) => {
  const status = commitStatusOf(event, context);
  if (status === undefined) return;
  const { origin, parts } = repositoryOf(endpoint);
  const [organization, project, , repository] = parts;
  if (parts.length !== 4) {
    throw new UnusableProviderError(
      'spec.address names no repository: write https://dev.azure.com/organization/project/_git/name',
    );
  }
  const path = `${organization}/${project}/_apis/git/repositories/${repository}`;
  const url = `${origin}/${path}/commits/${status.commit}/statuses?${version}`;
  const headers = basic('', await tokenFor(endpoint, origin, context.identity));
  const { id: name, description } = status;
  const state = status.isFailure ? 'error' : 'succeeded';
  const summary = event.metadata?.['summary'];
  const genre = summary === undefined ? 'fluxcd' : `fluxcd:${summary}`;
  const set = await send({ method: 'GET', url, headers, maxAnswerBytes: maxPageBytes });
  const { value } = objectOf(jsonOf(set.body, 'Azure DevOps'));
  const latest = (Array.isArray(value) ? value.map(objectOf) : []).find((other) => {
    const of = objectOf(other['context']);
    return of['name'] === name && of['genre'] === genre;
  });
  if (latest?.['state'] === state && latest['description'] === description) return;
  await send({ url, headers, body: goJson({ context: { genre, name }, description, state }) });
};

/** A personal access token, or one of an identity: which whoever gets it can use. */
async function tokenFor(
  { token }: Endpoint,
  origin: string,
  identity: ProviderIdentity,
): Promise<string> {
  if (token) return token;
  const { protocol, hostname } = new URL(origin);
  if (protocol === 'https:' && azureHosts.test(hostname)) return identity.azure(azureScopes.devOps);
  throw new UnusableProviderError(
    "spec.address is not of dev.azure.com, which alone gets tokens of an identity: put a personal access token into the key 'token' of the Secret of spec.secretRef",
  );
}
