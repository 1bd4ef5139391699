import type { WebhookType } from './webhook.ts';

/** Nothing but the path, which is unguessable, says that the caller may call. */
export const genericWebhook: WebhookType = () => 'reconcile';
