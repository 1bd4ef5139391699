import type { IncomingHttpHeaders } from 'node:http';

/** A webhook as it arrived. */
export interface Webhook {
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A webhook that is not genuine or not wanted. The message holds no secret. */
export class WebhookRefusedError extends Error {
  override name = 'WebhookRefusedError';
}

/** What to do for a webhook that is genuine. */
export type WebhookVerdict = 'reconcile' | 'ignore';

/**
 * Decides whether a webhook is genuine, and whether it asks for anything.
 *
 * @throws WebhookRefusedError
 */
export type WebhookType = (
  webhook: Webhook,
  o: { token: string; events: readonly string[] },
) => WebhookVerdict;
