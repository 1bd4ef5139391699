import type { Adapter, ProviderType } from './adapter.ts';
import { DeliveryError } from './delivery-error.ts';
import { alertmanager } from './types/alertmanager.ts';
import { azureDevOps } from './types/azure-devops.ts';
import { bitbucket } from './types/bitbucket.ts';
import { bitbucketServer } from './types/bitbucket-server.ts';
import { generic, genericHmac } from './types/generic.ts';
import { gitea } from './types/gitea.ts';
import { giteaPullRequestComment } from './types/gitea-pull-request-comment.ts';
import { github } from './types/github.ts';
import { githubDispatch } from './types/github-dispatch.ts';
import { githubPullRequestComment } from './types/github-pull-request-comment.ts';
import { gitlab } from './types/gitlab.ts';
import { gitlabMergeRequestComment } from './types/gitlab-merge-request-comment.ts';
import { slack } from './types/slack.ts';

const adapters: Partial<Record<ProviderType, Adapter>> = {
  alertmanager,
  azuredevops: azureDevOps,
  bitbucket,
  bitbucketserver: bitbucketServer,
  generic,
  'generic-hmac': genericHmac,
  gitea,
  giteapullrequestcomment: giteaPullRequestComment,
  github,
  githubdispatch: githubDispatch,
  githubpullrequestcomment: githubPullRequestComment,
  gitlab,
  gitlabmergerequestcomment: gitlabMergeRequestComment,
  slack,
};

/** The types of provider that there is an adapter for. */
export const knownTypes = Object.keys(adapters).sort() as ProviderType[];

/**
 * Finds the adapter of a type of provider.
 *
 * @throws DeliveryError, permanent, when there is none yet
 */
export function adapterFor(type: ProviderType): Adapter {
  const adapter = adapters[type];
  if (adapter !== undefined) return adapter;
  throw new DeliveryError(
    `spec.type '${type}' is not supported yet: use one of ${knownTypes.join(', ')}`,
    { permanent: true },
  );
}
