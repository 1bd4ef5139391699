import { alertmanagerCase } from './alertmanager.ts';
import { azureDevOpsCase } from './azure-devops.ts';
import { azureEventHubCase } from './azure-event-hub.ts';
import { bitbucketCase } from './bitbucket.ts';
import { bitbucketServerCase } from './bitbucket-server.ts';
import { datadogCase } from './datadog.ts';
import { discordCase } from './discord.ts';
import { genericCase, genericHmacCase } from './generic.ts';
import { giteaCase } from './gitea.ts';
import { giteaPullRequestCommentCase } from './gitea-pull-request-comment.ts';
import { githubCase } from './github.ts';
import { githubDispatchCase } from './github-dispatch.ts';
import { githubPullRequestCommentCase } from './github-pull-request-comment.ts';
import { gitlabCase } from './gitlab.ts';
import { gitlabMergeRequestCommentCase } from './gitlab-merge-request-comment.ts';
import { googleChatCase } from './google-chat.ts';
import { googlePubSubCase } from './google-pubsub.ts';
import { grafanaCase } from './grafana.ts';
import { incidentIoCase } from './incident-io.ts';
import { larkCase } from './lark.ts';
import { matrixCase } from './matrix.ts';
import { msteamsCase, msteamsConnectorCase } from './msteams.ts';
import { opsgenieCase } from './opsgenie.ts';
import { otelCase } from './otel.ts';
import { pagerdutyCase } from './pagerduty.ts';
import { rocketCase } from './rocket.ts';
import { sentryCase } from './sentry.ts';
import { slackCase } from './slack.ts';
import { telegramCase } from './telegram.ts';
import { webexCase } from './webex.ts';
import { zoomCase } from './zoom.ts';
import { zulipCase } from './zulip.ts';

/** The cases of all types of provider that speak HTTP. */
export const providerCases = [
  alertmanagerCase,
  azureDevOpsCase,
  azureEventHubCase,
  bitbucketCase,
  bitbucketServerCase,
  datadogCase,
  discordCase,
  genericCase,
  genericHmacCase,
  giteaCase,
  giteaPullRequestCommentCase,
  githubCase,
  githubDispatchCase,
  githubPullRequestCommentCase,
  gitlabCase,
  gitlabMergeRequestCommentCase,
  googleChatCase,
  googlePubSubCase,
  grafanaCase,
  incidentIoCase,
  larkCase,
  matrixCase,
  msteamsCase,
  msteamsConnectorCase,
  opsgenieCase,
  otelCase,
  pagerdutyCase,
  rocketCase,
  sentryCase,
  slackCase,
  telegramCase,
  webexCase,
  zoomCase,
  zulipCase,
];
