import { checkSignature, headerOf } from './checks.ts';
import type { WebhookType } from './webhook.ts';

const header = 'X-Signature';

/** Any sender that signs the body with the token, as the Provider type of the same name does. */
export const genericHmacWebhook: WebhookType = ({ headers, body }, { token }) => {
  checkSignature(headerOf(headers, header), { body, token, header });
  return 'reconcile';
};
