import { checkSignature, headerOf } from './checks.ts';
import { type Webhook, WebhookRefusedError } from './webhook.ts';

const contentTypes = ['application/json', 'application/x-www-form-urlencoded'];
const header = 'X-Hub-Signature-256';

/**
 * Checks a webhook that is signed as GitHub and Bitbucket do it: the stronger of two signatures counts.
 *
 * @throws WebhookRefusedError
 */
export function checkSignedPost({ headers, body }: Webhook, token: string): void {
  const signature = headerOf(headers, header) || headerOf(headers, 'X-Hub-Signature');
  checkSignature(signature, { body, token, header });
  const contentType = headerOf(headers, 'content-type').split(';', 1)[0]?.trim() ?? '';
  if (contentTypes.includes(contentType)) return;
  throw new WebhookRefusedError(
    `the content type '${contentType.slice(0, 50)}' is not one of ${contentTypes.join(', ')}`,
  );
}
