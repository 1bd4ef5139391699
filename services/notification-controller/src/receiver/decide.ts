import {
  approvalOf,
  type HelmRelease,
  helmReleaseKind,
  type Kustomization,
  kustomizationKind,
  type Receiver,
} from '@sluice/shared/api';
import { cut, errorMessage, type Logger } from '@sluice/shared/base';
import {
  ApiError,
  CelError,
  ConnectionError,
  isForbidden,
  isNotFound,
  type KubeClient,
  keyOf,
  resourceOf,
  serviceAccountIdentity,
} from '@sluice/shared/kube';
import { createApproval } from '@sluice/shared/runtime';
import type { Answer } from '../http/respond.ts';
import { filtersFor } from './filters.ts';
import type { Call } from './last-call.ts';
import { LimitedRuns } from './limited-runs.ts';
import { readDecision, type WebhookDecision } from './read-decision.ts';
import { type Webhook, WebhookRefusedError } from './webhook.ts';

type Decisions = NonNullable<Receiver['spec']['decisions']>;
type Target = Kustomization | HelmRelease;

interface DecideContext {
  client: KubeClient;
  logger: Logger;
}

/** What the sender of a decision is told, and what is noted of it. */
export interface Decided {
  answer: Answer;
  call: Call;
}

/** Decisions of one Receiver that are worked on at a time. */
const maxAtOnce = 8;
/** Characters that the reason of an Approval may have. */
const maxReason = 1024;

const resources = {
  Kustomization: resourceOf(kustomizationKind),
  HelmRelease: resourceOf(helmReleaseKind),
};

/**
 * Makes the function that carries out what a genuine webhook decides about a plan: it creates an Approval, as the account
 * that the Receiver names, when exactly this plan waits. To decide the same twice makes one Approval.
 *
 * The answer is 200 when the Approval is there, 400 when the decision is not wanted, 403 when the account may not, 500
 * when the API server did not take it or the filter fails, 503 when too many are worked on. It tells the sender nothing
 * that the account may not read.
 */
export function createDecisions() {
  const runs = new LimitedRuns(maxAtOnce);
  const busy: Decided = {
    answer: { status: 503 },
    call: { result: 'Failed', reason: 'too many decisions were worked on' },
  };
  return async (receiver: Receiver, webhook: Webhook, context: DecideContext): Promise<Decided> =>
    (await runs.run(keyOf(receiver), () => decided(receiver, webhook, context))) ?? busy;
}

async function decided(
  receiver: Receiver,
  webhook: Webhook,
  context: DecideContext,
): Promise<Decided> {
  try {
    const body = `${await decide(receiver, webhook, context)}\n`;
    return { answer: { status: 200, body }, call: { result: 'Succeeded' } };
  } catch (error) {
    const { status, text } = refusalOf(error);
    const reason = errorMessage(error);
    context.logger.warn({ error: reason }, 'A decision was not taken');
    const result = status < 500 ? 'Refused' : 'Failed';
    return { answer: { status, body: `${text}\n` }, call: { result, reason } };
  }
}

const details = 'status.lastCall of the Receiver says more';

/** What the sender is told: the words of the API server are for those who may read the Receiver. */
function refusalOf(error: unknown): { status: number; text: string } {
  if (error instanceof WebhookRefusedError) return { status: 400, text: error.message };
  if (isForbidden(error))
    return { status: 403, text: `the ServiceAccount of the Receiver may not do this: ${details}` };
  if (error instanceof CelError)
    return { status: 500, text: `spec.resourceFilter gave no answer: ${details}` };
  if (error instanceof ApiError || error instanceof ConnectionError)
    return { status: 500, text: `the API server did not take it: ${details}; try again` };
  throw error;
}

async function decide(
  receiver: Receiver,
  webhook: Webhook,
  { client, logger }: DecideContext,
): Promise<string> {
  const { decisions } = receiver.spec;
  if (decisions === undefined) throw new Error('the Receiver takes no decisions');
  const own = receiver.metadata.namespace ?? '';
  const said = readDecision(webhook, own);
  const identity = serviceAccountIdentity(own, decisions.serviceAccountName);
  const { user } = identity;
  const acting = client.impersonate(identity);
  const target = await readTarget(acting, { decisions, own }, said);
  checkFilter(receiver, webhook, { target, said });
  const { kind, planDigest, decision } = said;
  if (target.status?.plan?.digest !== planDigest)
    throw new WebhookRefusedError(
      `${shown(said)}: this plan does not wait, or does not any more: look at status.plan again`,
    );
  const reason = reasonOf(receiver, said);
  const wanted = approvalOf({ target, planDigest, user, decision, reason });
  const { approval, isNew, isSame } = await createApproval(acting, wanted);
  const { name } = approval.metadata;
  if (!isSame)
    throw new WebhookRefusedError(`the Approval '${name}' says something else: delete it`);
  logger.info({ kind, object: keyOf(target), approval: name, decision, isNew }, 'Decision taken');
  return `${shown(said)}: ${isNew ? 'created' : 'there already was'} the Approval '${name}' of ${user}`;
}

const shown = ({ kind, namespace, name }: WebhookDecision) => `${kind} ${namespace}/${name}`;

/** Nobody but the sender vouches for whom it names, so that is said, and stands in quotes. */
function reasonOf({ metadata }: Receiver, { user, reason }: WebhookDecision): string {
  const claim = `Receiver ${metadata.namespace}/${metadata.name} claims that ${JSON.stringify(user)} decides`;
  return cut(reason === undefined ? claim : `${claim}: ${reason}`, maxReason);
}

/**
 * Reads the target with the rights of the account. What is not listed is not asked for, and answered as what is not there.
 *
 * @throws WebhookRefusedError, ApiError, ConnectionError
 */
async function readTarget(
  acting: KubeClient,
  { decisions, own }: { decisions: Decisions; own: string },
  said: WebhookDecision,
): Promise<Target> {
  const { kind, name, namespace } = said;
  const entries = decisions.targets.filter(
    (entry) =>
      entry.kind === kind &&
      (entry.namespace ?? own) === namespace &&
      (entry.name === '*' || entry.name === name),
  );
  const unlisted = new WebhookRefusedError(
    `${shown(said)} is not there, or none of spec.decisions.targets`,
  );
  if (entries.length === 0) throw unlisted;
  let target: Target;
  try {
    target = await acting.get<Target>(resources[kind], { namespace, name });
  } catch (error) {
    throw isNotFound(error) ? unlisted : error;
  }
  const labels = target.metadata.labels ?? {};
  const isListed = entries.some(({ matchLabels = {} }) =>
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
  );
  if (!isListed) throw unlisted;
  return target;
}

/** @throws WebhookRefusedError when the filter does not hold, CelError when it gives no answer */
function checkFilter(
  { spec }: Receiver,
  webhook: Webhook,
  { target, said }: { target: Target; said: WebhookDecision },
): void {
  const { apiVersion, kind, metadata } = target;
  const accepts = filtersFor(spec, webhook, { payload: said.body });
  if (accepts === undefined || accepts(0, { apiVersion, kind, metadata })) return;
  throw new WebhookRefusedError('spec.resourceFilter does not allow it');
}
