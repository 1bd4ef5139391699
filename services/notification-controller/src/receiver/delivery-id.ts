import type { Receiver } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import { headerOf } from './checks.ts';
import type { Webhook } from './webhook.ts';

type ReceiverType = Receiver['spec']['type'];

/**
 * Headers that hold what a sender repeats when it sends a webhook once more, and nothing else does. GitLab's
 * `X-Gitlab-Event-UUID` is none: webhooks that one event brings about share it.
 */
const idHeaders: Partial<Record<ReceiverType, readonly string[]>> = {
  bitbucket: ['X-Request-Id'],
  cdevents: ['Ce-Source', 'Ce-Id'],
  generic: ['webhook-id'],
  'generic-hmac': ['webhook-id'],
  'generic-oidc': ['webhook-id'],
  github: ['X-GitHub-Delivery'],
  gitlab: ['Idempotency-Key'],
  nexus: ['X-Nexus-Webhook-Delivery'],
};

/** Fields of a body that hold the same. */
const idFields: Partial<Record<ReceiverType, (body: Fields) => unknown>> = {
  acr: ({ id }) => id,
  gcr: ({ message }) => (message as Fields | undefined)?.['messageId'],
};

type Fields = Record<string, unknown>;

/**
 * What identifies a webhook among those of its Receiver, in 64 characters; undefined when the sender does not say. It
 * is not signed: it tells repetitions of the sender, not those of somebody who has read a webhook.
 *
 * @param webhook one that was found to be genuine
 */
export function deliveryIdOf(type: ReceiverType, { headers, body }: Webhook): string | undefined {
  const parts =
    idHeaders[type]?.map((name) => headerOf(headers, name)) ??
    (idFields[type] === undefined ? [] : [idFields[type](JSON.parse(body.toString()))]);
  const isGiven = parts.length > 0 && parts.every((part) => typeof part === 'string' && part);
  return isGiven ? sha256Hex(JSON.stringify(parts)) : undefined;
}
