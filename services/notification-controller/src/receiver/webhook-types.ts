import type { Receiver } from '@sluice/shared/api';
import { acrWebhook } from './acr.ts';
import { bitbucketWebhook } from './bitbucket.ts';
import { cdeventsWebhook } from './cdevents.ts';
import { dockerHubWebhook } from './docker-hub.ts';
import { gcrWebhook } from './gcr.ts';
import { genericWebhook } from './generic.ts';
import { genericHmacWebhook } from './generic-hmac.ts';
import { genericOidcWebhook } from './generic-oidc.ts';
import { githubWebhook } from './github.ts';
import { gitlabWebhook } from './gitlab.ts';
import { harborWebhook } from './harbor.ts';
import { nexusWebhook } from './nexus.ts';
import { quayWebhook } from './quay.ts';
import type { WebhookType } from './webhook.ts';

export type ReceiverType = Receiver['spec']['type'];

export const webhookTypes: Record<ReceiverType, WebhookType> = {
  acr: acrWebhook,
  bitbucket: bitbucketWebhook,
  cdevents: cdeventsWebhook,
  dockerhub: dockerHubWebhook,
  gcr: gcrWebhook,
  generic: genericWebhook,
  'generic-hmac': genericHmacWebhook,
  'generic-oidc': genericOidcWebhook,
  github: githubWebhook,
  gitlab: gitlabWebhook,
  harbor: harborWebhook,
  nexus: nexusWebhook,
  quay: quayWebhook,
};
