import { createHmac } from 'node:crypto';
import { checkTexts, headerOf, isSame, jsonObject } from './checks.ts';
import { WebhookRefusedError, type WebhookType } from './webhook.ts';

const header = 'X-Nexus-Webhook-Signature';

/**
 * Webhooks of Sonatype Nexus, signed by SHA-1 keyed with the token.
 *
 * @see https://help.sonatype.com/en/working-with-hmac-payloads.html
 */
export const nexusWebhook: WebhookType = ({ headers, body }, { token }) => {
  const expected = createHmac('sha1', token).update(body).digest('hex');
  if (!isSame(headerOf(headers, header), expected)) {
    throw new WebhookRefusedError(
      `the header ${header} does not fit: set the same secret at Nexus as in spec.secretRef`,
    );
  }
  checkTexts(jsonObject(body), ['action', 'repositoryName']);
  return 'reconcile';
};
