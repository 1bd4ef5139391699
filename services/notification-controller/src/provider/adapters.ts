import type { Adapter, ProviderType } from './adapter.ts';
import { UnusableProviderError } from './delivery-error.ts';
import { alertmanager } from './types/alertmanager.ts';
import { azureDevOps } from './types/azure-devops.ts';
import { azureEventHub } from './types/azure-event-hub.ts';
import { bitbucket } from './types/bitbucket.ts';
import { bitbucketServer } from './types/bitbucket-server.ts';
import { datadog } from './types/datadog.ts';
import { discord } from './types/discord.ts';
import { generic, genericHmac } from './types/generic.ts';
import { gitea } from './types/gitea.ts';
import { giteaPullRequestComment } from './types/gitea-pull-request-comment.ts';
import { github } from './types/github.ts';
import { githubDispatch } from './types/github-dispatch.ts';
import { githubPullRequestComment } from './types/github-pull-request-comment.ts';
import { gitlab } from './types/gitlab.ts';
import { gitlabMergeRequestComment } from './types/gitlab-merge-request-comment.ts';
import { googleChat } from './types/google-chat.ts';
import { googlePubSub } from './types/google-pubsub.ts';
import { grafana } from './types/grafana.ts';
import { incidentIo } from './types/incident-io.ts';
import { lark } from './types/lark.ts';
import { matrix } from './types/matrix.ts';
import { msteams } from './types/msteams.ts';
import { nats } from './types/nats.ts';
import { opsgenie } from './types/opsgenie.ts';
import { otel } from './types/otel.ts';
import { pagerduty } from './types/pagerduty.ts';
import { rocket } from './types/rocket.ts';
import { sentry } from './types/sentry.ts';
import { slack } from './types/slack.ts';
import { telegram } from './types/telegram.ts';
import { webex } from './types/webex.ts';
import { zoom } from './types/zoom.ts';
import { zulip } from './types/zulip.ts';

const adapters: Record<ProviderType, Adapter> = {
  alertmanager,
  azuredevops: azureDevOps,
  azureeventhub: azureEventHub,
  bitbucket,
  bitbucketserver: bitbucketServer,
  datadog,
  discord,
  generic,
  'generic-hmac': genericHmac,
  gitea,
  giteapullrequestcomment: giteaPullRequestComment,
  github,
  githubdispatch: githubDispatch,
  githubpullrequestcomment: githubPullRequestComment,
  gitlab,
  gitlabmergerequestcomment: gitlabMergeRequestComment,
  googlechat: googleChat,
  googlepubsub: googlePubSub,
  grafana,
  'incident.io': incidentIo,
  lark,
  matrix,
  msteams,
  nats,
  opsgenie,
  otel,
  pagerduty,
  rocket,
  sentry,
  slack,
  telegram,
  webex,
  zoom,
  zulip,
};

/** The types of provider that there is an adapter for. */
export const knownTypes = Object.keys(adapters).sort() as ProviderType[];

/**
 * Finds the adapter of a type of provider.
 *
 * @throws UnusableProviderError, permanent, for a type of a later version's CRD
 */
export function adapterFor(type: ProviderType): Adapter {
  if (Object.hasOwn(adapters, type)) return adapters[type];
  throw new UnusableProviderError(
    `spec.type '${type}' is not supported: use one of ${knownTypes.join(', ')}`,
    { permanent: true },
  );
}
