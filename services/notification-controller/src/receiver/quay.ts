import { checkTexts, jsonObject } from './checks.ts';
import { WebhookRefusedError, type WebhookType } from './webhook.ts';

/**
 * Webhooks of Quay, which signs nothing: the path is the secret.
 *
 * @see https://docs.quay.io/guides/notifications.html
 */
export const quayWebhook: WebhookType = ({ body }) => {
  const payload = jsonObject(body);
  checkTexts(payload, ['docker_url']);
  const tags = payload['updated_tags'] ?? [];
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string')) {
    throw new WebhookRefusedError('the field updated_tags is no list of texts');
  }
  return 'reconcile';
};
