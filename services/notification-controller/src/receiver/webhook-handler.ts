import type { IncomingMessage } from 'node:http';
import type { Receiver } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import { isReady, withSpan } from '@sluice/shared/runtime';
import type { Answer } from '../http/respond.ts';
import type { SecretReader } from '../provider/secrets.ts';
import { type Accepts, filtersFor } from './filters.ts';
import { createRequests } from './request-all.ts';
import type { RequestContext } from './request-reconciliation.ts';
import { receiverSecret } from './token.ts';
import type { VerifyGoogleToken, VerifyOidcToken, Webhook } from './webhook.ts';
import { webhookTypes } from './webhook-types.ts';

export interface WebhookContext extends Omit<RequestContext, 'logger'> {
  /** The Receiver of a path. */
  receiverAt: (path: string) => Receiver | undefined;
  readSecret: SecretReader;
  verifyGoogleToken: VerifyGoogleToken;
  verifyOidcToken: VerifyOidcToken;
  logger: Logger;
}

/**
 * Makes the handler of webhooks: 200 once all objects are asked to reconcile, 404 for an unknown path, 503 when the
 * Receiver is suspended or not ready, 400 when the webhook is not genuine or not wanted, 500 when an object could
 * not be asked.
 */
export function webhookHandler(context: WebhookContext) {
  const requestAll = createRequests();
  return async (request: IncomingMessage, body: Buffer): Promise<Answer> => {
    const receiver = context.receiverAt(request.url ?? '');
    if (receiver === undefined) return { status: 404 };
    const { name, namespace } = receiver.metadata;
    const logger = context.logger.child({ controllerKind: 'Receiver', name, namespace });
    if (receiver.spec.suspend || !isReady(receiver)) {
      logger.warn({ suspended: receiver.spec.suspend ?? false }, 'The receiver takes no webhooks');
      return { status: 503 };
    }
    const verdict = await judge(
      receiver,
      { headers: request.headers, body },
      { ...context, logger },
    );
    if (verdict === 'refuse') return { status: 400 };
    if (verdict === 'ignore') return { status: 200 };
    const attributes = { 'sluice.receiver': `${namespace}/${name}` };
    return withSpan('webhook', { attributes, kind: 'server' }, () =>
      requestAll(receiver, { ...context, logger }, verdict.accepts),
    );
  };
}

async function judge(
  receiver: Receiver,
  webhook: Webhook,
  { readSecret, verifyGoogleToken, verifyOidcToken, logger }: WebhookContext,
): Promise<{ accepts?: Accepts } | 'ignore' | 'refuse'> {
  try {
    const secret = await receiverSecret(receiver, readSecret);
    const type = webhookTypes[receiver.spec.type];
    const { token } = secret;
    const { events = [], oidcProviders = [] } = receiver.spec;
    const verifiers = { verifyGoogleToken, verifyOidcToken };
    const verdict = await type(webhook, { token, secret, events, oidcProviders, ...verifiers });
    if (verdict === 'ignore') return verdict;
    const facts = verdict === 'reconcile' ? {} : verdict;
    return { accepts: filtersFor(receiver.spec, webhook, facts) };
  } catch (error) {
    logger.warn({ error: errorMessage(error) }, 'A webhook is refused');
    return 'refuse';
  }
}
