import { createHmac, timingSafeEqual } from 'node:crypto';
import { WebhookRefusedError, type WebhookType } from './webhook.ts';

const contentTypes = ['application/json', 'application/x-www-form-urlencoded'];

/**
 * Webhooks of GitHub, signed with the token.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export const githubWebhook: WebhookType = ({ headers, body }, { token, events }) => {
  checkSignature(headers, body, token);
  const contentType = headers['content-type']?.split(';', 1)[0]?.trim() ?? '';
  if (!contentTypes.includes(contentType)) {
    throw new WebhookRefusedError(
      `the content type '${contentType.slice(0, 50)}' is not one of ${contentTypes.join(', ')}`,
    );
  }
  const event = String(headers['x-github-event'] ?? '').toLowerCase();
  if (events.length === 0 || events.some((wanted) => wanted.toLowerCase() === event)) {
    return 'reconcile';
  }
  // GitHub pings each new webhook; refusing it would show as a failure there.
  if (event === 'ping') return 'ignore';
  throw new WebhookRefusedError(`the event '${event.slice(0, 50)}' is not in spec.events`);
};

function checkSignature(
  headers: Record<string, string | string[] | undefined>,
  body: Buffer,
  token: string,
): void {
  const header = headers['x-hub-signature-256'] ?? headers['x-hub-signature'];
  const match = /^(sha1|sha256|sha512)=([0-9a-f]+)$/.exec(String(header ?? ''));
  if (match === null) {
    throw new WebhookRefusedError(
      'the header X-Hub-Signature-256 is missing or malformed: set the same secret at GitHub as in spec.secretRef',
    );
  }
  const expected = createHmac(match[1] as string, token)
    .update(body)
    .digest();
  const given = Buffer.from(match[2] as string, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new WebhookRefusedError(
      'the signature does not fit: set the same secret at GitHub as in spec.secretRef',
    );
  }
}
