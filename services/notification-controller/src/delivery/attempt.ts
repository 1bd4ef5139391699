import type { Alert, Provider } from '@sluice/shared/api';
import { currentTrace } from '@sluice/shared/bus';
import type { NetworkGuard } from '@sluice/shared/net';
import { withSpan } from '@sluice/shared/runtime';
import { presentEvent } from '../content/present-event.ts';
import type { Failure } from '../incident/incident.ts';
import type { Incidents } from '../incident/incidents.ts';
import { adapterFor } from '../provider/adapters.ts';
import { commitStatusId } from '../provider/commit-status-id.ts';
import { createConnect } from '../provider/connect.ts';
import { UnusableProviderError } from '../provider/delivery-error.ts';
import { endpointOf } from '../provider/endpoint.ts';
import type { IdentityOf } from '../provider/identity.ts';
import { ProviderPool } from '../provider/pool.ts';
import { rateLimitsOf } from '../provider/rate-limits.ts';
import { recordAdapterFor } from '../provider/record-adapters.ts';
import type { SecretReader } from '../provider/secrets.ts';
import { createSend } from '../provider/send.ts';
import { writesCommitStatus } from '../provider/type-groups.ts';
import type { DeliveredLog } from './delivered.ts';
import { type AttemptResult, type Delivery, failure } from './delivery.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { Pace } from './pace.ts';
import { ProviderLine } from './provider-line.ts';
import type { RetryPolicy } from './retry-policy.ts';

export interface AttemptContext {
  /** The present objects, by `namespace/name`. */
  alertOf: (key: string) => Alert | undefined;
  providerOf: (key: string) => Provider | undefined;
  readSecret: SecretReader;
  delivered: DeliveredLog;
  incidents: Incidents;
  /** As whom Providers log in to clouds. */
  identityOf: IdentityOf;
  /** Says where Providers may have deliveries go. */
  guard: NetworkGuard;
  /** How long a Provider that fails is left alone, and when its deliveries are given up. */
  retry: RetryPolicy;
}

/** What an attempt has to know besides its delivery. */
export interface AttemptOptions {
  signal: AbortSignal;
  /** Milliseconds since the delivery was stored. */
  ageMs: number;
}

/** Tries once to deliver, when the Provider is free for it; never throws. */
export type Attempt = (delivery: Delivery, o: AttemptOptions) => Promise<AttemptResult>;

interface ProviderState {
  line: ProviderLine;
  pace: Pace;
  pool: ProviderPool;
  /** To services that log in to clouds. */
  logins: ProviderPool;
}

type AttemptParts = AttemptContext &
  Pick<ProviderState, 'pace' | 'pool' | 'logins'> & { resolves: Failure[] };

/** Providers that are remembered although nothing goes through them. */
const maxIdleProviders = 256;

/**
 * Makes the function that delivers. Deliveries of one object to one alert go out in order, also when several are
 * handed over at once.
 */
export function createAttempt(context: AttemptContext): Attempt {
  const objects = new KeyedQueue();
  const providers = new Map<string, ProviderState>();
  return async (delivery, o) => {
    const { alert, provider, event } = delivery;
    const { kind, namespace, name } = event.involvedObject;
    const providerKey = `${alert.namespace}/${provider}`;
    const state = providers.get(providerKey) ?? {
      line: new ProviderLine(context.retry),
      pace: new Pace(),
      pool: new ProviderPool(context.guard),
      logins: new ProviderPool(context.guard),
    };
    providers.set(providerKey, state);
    if (providers.size > maxIdleProviders) forgetIdle(providers, providerKey);
    const { line, pace, pool, logins } = state;
    return objects.run(`${providerKey}/${alert.name}/${kind}/${namespace}/${name}`, () =>
      once(delivery, context, o.signal, (resolves) =>
        line.run(async () => {
          const parts = { ...context, pace, pool, logins, resolves };
          const result = await attempt(delivery, parts, o.signal).catch(failure);
          // The place is held until then: what is delivered and not recorded is few, should everything end now.
          if (result.type === 'delivered') await context.delivered.record(delivery);
          return result;
        }, o),
      ).catch(failure),
    );
  };
}

/**
 * Delivers what was not delivered lately, or ends failures, and notes how it went. The Provider's places are not held
 * while that is looked up.
 */
async function once(
  delivery: Delivery,
  context: AttemptContext,
  signal: AbortSignal,
  deliver: (resolves: Failure[]) => Promise<AttemptResult>,
): Promise<AttemptResult> {
  const { delivered, incidents } = context;
  const resolves = await endedFailures(delivery, context, signal);
  if (resolves.length === 0 && (await isRepetition(delivery, context, signal))) {
    await incidents.ended(delivery, { told: true });
    return { type: 'duplicate' };
  }
  const result = await deliver(resolves);
  if (result.type === 'dropped') await incidents.ended(delivery, { told: false });
  if (result.type !== 'delivered') return result;
  for (const member of delivery.members ?? []) await delivered.record(member);
  await incidents.resolved(delivery);
  await incidents.ended(delivery, { told: true, receipt: result.receipt });
  return result;
}

function forgetIdle(providers: Map<string, ProviderState>, present: string): void {
  for (const [key, { line, pool, logins }] of providers) {
    if (key === present || !line.isIdle) continue;
    providers.delete(key);
    void pool.close();
    void logins.close();
  }
}

async function attempt(
  delivery: Delivery,
  context: AttemptParts,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { alert, event } = delivery;
  const { resolves, pace } = context;
  const before = whatIsWanted(delivery, context);
  if ('why' in before) return before;
  await pace.turn(rateLimitsOf(before.provider.spec), signal);
  // Much may have changed in that time.
  const wanted = whatIsWanted(delivery, context);
  if ('why' in wanted) return wanted;
  const { provider } = wanted;
  let receipt: string | undefined;
  const deliver = adapterFor(provider.spec.type);
  const endpoint = await endpointOf(provider, context.readSecret);
  const attributes = {
    'sluice.provider': `${alert.namespace}/${delivery.provider}`,
    'sluice.provider.type': endpoint.type,
    'sluice.alert': `${alert.namespace}/${alert.name}`,
    'sluice.event.reason': event.reason,
  };
  await withSpan('deliver', { attributes, kind: 'client' }, async () => {
    const { guard, pool, logins } = context;
    const send = createSend(endpoint, { pool, signal, traceHeaders: currentTrace() });
    const connect = createConnect({ guard, signal, timeoutMs: endpoint.timeoutMs });
    const to = { alert: { ...alert, uid: wanted.alert.metadata.uid ?? '' }, connect };
    if (delivery.record !== undefined)
      return recordAdapterFor(endpoint.type)(delivery.record, endpoint, send, to);
    const about = { alert: wanted.alert, type: endpoint.type };
    const { shown, facts, members } = await presentEvent(delivery, about);
    return deliver(shown, endpoint, send, {
      ...to,
      facts,
      commitStatusId: writesCommitStatus(endpoint.type)
        ? commitStatusId(event, provider, wanted.alert)
        : '',
      identity: context.identityOf(provider, endpoint, { logins, service: pool, signal }),
      resolves,
      members,
      isRecoveryOnly: delivery.recovers === 'only',
      remember: (name) => {
        receipt = name;
      },
    });
  });
  return { type: 'delivered', ...(receipt !== undefined && { receipt }) };
}

/** The Alert and the Provider as they are now, when they still want the delivery. */
function whatIsWanted(
  { alert, provider, recovers, record }: Delivery,
  context: AttemptParts,
): { alert: Alert; provider: Provider } | Extract<AttemptResult, { type: 'dropped' }> {
  const providerKey = `${alert.namespace}/${provider}`;
  const currentAlert = context.alertOf(`${alert.namespace}/${alert.name}`);
  if (currentAlert === undefined) return { type: 'dropped', why: 'the alert was deleted' };
  if (currentAlert.spec.suspend) return { type: 'dropped', why: 'the alert is suspended' };
  if (record !== undefined && currentAlert.spec.audit === undefined)
    return { type: 'dropped', why: 'the alert asks for no audit records any more' };
  const current = context.providerOf(providerKey);
  if (current === undefined) {
    throw new UnusableProviderError(
      `spec.providerRef names the Provider '${providerKey}', which does not exist or whose spec is refused: create or correct it, or correct the Alert`,
    );
  }
  if (current.spec.suspend) return { type: 'dropped', why: 'the provider is suspended' };
  if (context.resolves.length === 0 && recovers === 'only') {
    return { type: 'dropped', why: 'it has failed again' };
  }
  return { alert: currentAlert, provider: current };
}

/** Whether the same was told lately; by the rules of its alert, whether it was since the event. */
async function isRepetition(
  delivery: Delivery,
  { delivered, incidents }: AttemptContext,
  signal: AbortSignal,
): Promise<boolean> {
  if (!delivery.repeats) return delivered.wasDelivered(delivery, signal);
  const { toldAt } = (await incidents.failureOf(delivery, signal)) ?? {};
  return toldAt !== undefined && toldAt > (delivery.at ?? 0);
}

/** What the service was told of and the event ends. */
async function endedFailures(
  delivery: Delivery,
  { incidents }: AttemptContext,
  signal: AbortSignal,
): Promise<Failure[]> {
  if (delivery.recovers === undefined) return [];
  const ended = await incidents.endedBy(delivery, signal);
  return ended.filter(({ toldAt }) => toldAt !== undefined);
}
