import { checkTexts, jsonObject, objectIn } from './checks.ts';
import type { WebhookType } from './webhook.ts';

/**
 * Webhooks of Azure Container Registry, which signs nothing: the path is the secret.
 *
 * @see https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
 */
export const acrWebhook: WebhookType = ({ body }) => {
  const payload = jsonObject(body);
  checkTexts(payload, ['action']);
  checkTexts(objectIn(payload['target'] ?? {}, 'the field target'), ['repository', 'tag']);
  return 'reconcile';
};
