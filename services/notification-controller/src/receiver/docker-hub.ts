import { checkTexts, jsonObject, objectIn } from './checks.ts';
import type { WebhookType } from './webhook.ts';

/**
 * Webhooks of Docker Hub, which signs nothing: the path is the secret.
 *
 * @see https://docs.docker.com/docker-hub/repos/manage/webhooks/
 */
export const dockerHubWebhook: WebhookType = ({ body }) => {
  const payload = jsonObject(body);
  checkTexts(objectIn(payload['push_data'] ?? {}, 'the field push_data'), ['tag']);
  checkTexts(objectIn(payload['repository'] ?? {}, 'the field repository'), ['repo_url']);
  return 'reconcile';
};
