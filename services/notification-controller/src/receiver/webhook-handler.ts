import type { IncomingMessage } from 'node:http';
import type { Receiver } from '@sluice/shared/api';
import { type Clock, errorMessage, type Logger, sha256Hex, systemClock } from '@sluice/shared/base';
import { isReady, withSpan } from '@sluice/shared/runtime';
import type { Answer } from '../http/respond.ts';
import type { SecretReader } from '../provider/secrets.ts';
import { checkDecisions } from './check-decisions.ts';
import { createDecisions } from './decide.ts';
import { deliveryIdOf } from './delivery-id.ts';
import type { DoneWebhooks } from './done-webhooks.ts';
import { filtersFor } from './filters.ts';
import type { Call, CallLog } from './last-call.ts';
import { pushedRefs } from './pushed-refs.ts';
import { RecentDeliveries } from './recent-deliveries.ts';
import { createRequests, type Selection } from './request-all.ts';
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
  noteCall: CallLog['note'];
  /** What was done by other replicas, where they share anything. */
  done?: DoneWebhooks;
  logger: Logger;
  clock?: Clock;
}

/**
 * Makes the handler of webhooks: 200 once all objects are asked to reconcile, 404 for an unknown path, 503 when the
 * Receiver is suspended or not ready, 400 when the webhook is not genuine or not wanted, 500 when an object could
 * not be asked. Of a Receiver that decides, see {@link createDecisions}.
 */
export function webhookHandler(context: WebhookContext) {
  const requestAll = createRequests();
  const decide = createDecisions();
  const recent = new RecentDeliveries(context.clock ?? systemClock, context.done);
  return async (request: IncomingMessage, body: Buffer): Promise<Answer> => {
    const receiver = context.receiverAt(request.url ?? '');
    if (receiver === undefined) return { status: 404 };
    const { name, namespace, uid, generation } = receiver.metadata;
    const logger = context.logger.child({ controllerKind: 'Receiver', name, namespace });
    if (receiver.spec.suspend || !isReady(receiver)) {
      logger.warn({ suspended: receiver.spec.suspend ?? false }, 'The receiver takes no webhooks');
      return { status: 503 };
    }
    const webhook = { headers: request.headers, body };
    const verdict = await judge(receiver, webhook, { ...context, logger });
    if (verdict.type === 'decide') {
      const { answer, call } = await decide(receiver, webhook, { client: context.client, logger });
      context.noteCall(receiver, call);
      return answer;
    }
    if (verdict.type !== 'reconcile') {
      const { type, reason } = verdict;
      context.noteCall(receiver, { result: type === 'ignore' ? 'Ignored' : 'Refused', reason });
      return { status: type === 'ignore' ? 200 : 400 };
    }
    const id = deliveryIdOf(receiver.spec.type, webhook);
    const attributes = { 'sluice.receiver': `${namespace}/${name}` };
    const { answer, isRepeated } = await recent.run(
      id && sha256Hex(`${uid}/${generation}/${id}`),
      () =>
        withSpan('webhook', { attributes, kind: 'server' }, () =>
          requestAll(receiver, { ...context, logger }, verdict.selection),
        ),
    );
    if (isRepeated) logger.info({}, 'A webhook is repeated');
    context.noteCall(receiver, callOf(answer, isRepeated));
    return answer;
  };
}

function callOf({ status }: Answer, isRepeated: boolean): Call {
  if (status === 200) return { result: isRepeated ? 'Repeated' : 'Succeeded' };
  const reason =
    status === 503
      ? 'too many webhooks were worked on'
      : 'an object could not be asked to reconcile: see the log of notification-controller';
  return { result: 'Failed', reason };
}

type Verdict =
  | { type: 'reconcile'; selection: Selection }
  | { type: 'decide' }
  | { type: 'ignore' | 'refuse'; reason?: string };

async function judge(
  receiver: Receiver,
  webhook: Webhook,
  { readSecret, verifyGoogleToken, verifyOidcToken, noCrossNamespaceRefs, logger }: WebhookContext,
): Promise<Verdict> {
  try {
    const secret = await receiverSecret(receiver, readSecret);
    const type = webhookTypes[receiver.spec.type];
    const { token } = secret;
    const { events = [], oidcProviders = [] } = receiver.spec;
    const verifiers = { verifyGoogleToken, verifyOidcToken };
    const verdict = await type(webhook, { token, secret, events, oidcProviders, ...verifiers });
    if (verdict === 'ignore') return { type: verdict };
    if (receiver.spec.decisions) {
      // Not only when it is reconciled: what is not signed must not decide, whatever a status says.
      checkDecisions(receiver, { noCrossNamespaceRefs });
      return { type: 'decide' };
    }
    const facts = verdict === 'reconcile' ? {} : verdict;
    const accepts = filtersFor(receiver.spec, webhook, facts);
    const refs = receiver.spec.onlyPushedRef ? pushedRefs(webhook) : [];
    return { type: 'reconcile', selection: { accepts, refs } };
  } catch (error) {
    const reason = errorMessage(error);
    logger.warn({ error: reason }, 'A webhook is refused');
    return { type: 'refuse', reason };
  }
}
