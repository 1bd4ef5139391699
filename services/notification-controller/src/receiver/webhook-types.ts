import type { Receiver } from '@sluice/shared/api';
import { githubWebhook } from './github.ts';
import type { WebhookType } from './webhook.ts';

export type ReceiverType = Receiver['spec']['type'];

/** Nothing but the path, which is unguessable, says that the caller may call. */
const genericWebhook: WebhookType = () => 'reconcile';

export const webhookTypes: Partial<Record<ReceiverType, WebhookType>> = {
  generic: genericWebhook,
  github: githubWebhook,
};
