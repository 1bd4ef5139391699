import { bearerTokenOf, checkTexts, jsonObject, objectIn } from './checks.ts';
import { WebhookRefusedError, type WebhookType, type WebhookVerdict } from './webhook.ts';

/**
 * Pub/Sub pushes about images of Google's registries, with a token of Google for the account and audience of the
 * Secret.
 *
 * @see https://cloud.google.com/artifact-registry/docs/configure-notifications
 */
export const gcrWebhook: WebhookType = async (
  { headers, body },
  { secret, verifyGoogleToken },
): Promise<WebhookVerdict> => {
  const [email, audience] = [secretKey(secret, 'email'), secretKey(secret, 'audience')];
  await verifyGoogleToken(bearerTokenOf(headers), { email, audience });
  const message = objectIn(jsonObject(body)['message'] ?? {}, 'the field message');
  checkTexts(message, ['data', 'messageId', 'publishTime', 'subscription']);
  const data = Buffer.from(String(message['data'] ?? ''), 'base64');
  const payload = jsonObject(data);
  checkTexts(payload, ['action', 'digest', 'tag']);
  return { payload };
};

function secretKey(secret: Record<string, string>, key: string): string {
  const value = secret[key];
  if (value) return value;
  throw new WebhookRefusedError(
    `the Secret of spec.secretRef has no key '${key}': add it, gcr needs it beside the token`,
  );
}
