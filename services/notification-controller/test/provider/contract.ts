import type { FluxEvent, ProviderSpec } from '@sluice/shared/api';
import {
  type ConnectProxy,
  localNetwork,
  type ReceivedRequest,
  receiveWebhooks,
  startConnectProxy,
  type WebhookReceiver,
  type WebhookReply,
} from '@sluice/testing';
import type { ProviderType } from '../../src/provider/adapter.ts';
import { adapterFor } from '../../src/provider/adapters.ts';
import { defaultStatusId } from '../../src/provider/commit-status-id.ts';
import { createConnect } from '../../src/provider/connect.ts';
import { endpointOf } from '../../src/provider/endpoint.ts';
import { ProviderPool } from '../../src/provider/pool.ts';
import type { ProviderIdentity } from '../../src/provider/provider-identity.ts';
import { createSend } from '../../src/provider/send.ts';
import { appIdentity } from '../no-identity.ts';
import { eventOf, providerOf } from '../objects.ts';

/** What a type of provider sends, and how it takes what the service answers. */
export interface ProviderCase {
  type: ProviderType;
  /** The Provider; `url` is the server's. */
  spec?: (url: string) => Partial<ProviderSpec>;
  secret?: (url: string) => Record<string, string>;
  /** The service has one host, which the server stands in for behind a proxy. */
  host?: string;
  event?: Partial<FluxEvent>;
  /** As whom it logs in to the cloud; there is none unless told. */
  identity?: ProviderIdentity;
  /** What the server answers unless told, by method and path without query; 200 without a body for others. */
  answers?: Record<string, Partial<WebhookReply>>;
  deliveries: Delivery[];
  /** Answers to every request that are a failure. */
  failures: Failure[];
  /** Providers that cannot be used, each with words of the refusal. */
  refused?: { name: string; change: Change; says: string; permanent?: boolean }[];
}

interface Change {
  spec?: Partial<ProviderSpec>;
  secret?: Record<string, string>;
  event?: Partial<FluxEvent>;
}

interface Delivery extends Change {
  name: string;
  answers?: Record<string, Partial<WebhookReply>>;
  ends?: Ends;
  /** In order. */
  sent: Sent[];
}

/** Failures that the event ends, and whether it is sent for them alone. */
interface Ends {
  failures: { event: Partial<FluxEvent>; receipt?: string }[];
  only: boolean;
  /** Events that the event lists. */
  members?: Partial<FluxEvent>[];
}

/** A request: a body that is no text is compared as the JSON of its fields in order. */
export interface Sent {
  /** POST unless given. */
  method?: string;
  path: string;
  headers?: Record<string, string | undefined>;
  body?: unknown;
}

interface Failure {
  name: string;
  reply: Partial<WebhookReply>;
  permanent: boolean;
  retryAfterMs?: number;
  says?: string;
}

export const badToken: Failure = {
  name: 'a bad token',
  reply: { status: 401, body: 'unauthorized' },
  permanent: false,
  says: 'status 401: unauthorized',
};

export const rateLimit: Failure = {
  name: 'a rate limit',
  reply: { status: 429, headers: { 'retry-after': '30' } },
  permanent: false,
  retryAfterMs: 30_000,
};

/** The alert that deliveries are for. */
export const alert = {
  namespace: 'apps',
  name: 'alert',
  uid: 'b1946ac9-2b8c-4f0e-9d53-7a1f7c6d2e10',
};
export const providerUid = '49f68a5c-8c8d-4cb8-b3b1-5fcd2d5d3c8b';

/** The servers of the suite. */
export interface Bed {
  /** Returns what the adapter has to remember. */
  deliver(given: ProviderCase, o?: Change & Pick<Delivery, 'answers' | 'ends'>): Promise<string[]>;
  requests(): ReceivedRequest[];
  close(): Promise<void>;
}

export async function startBed(hosts: string[]): Promise<Bed> {
  const plain = await receiveWebhooks();
  const secure = await receiveWebhooks({ tls: true, names: hosts });
  const proxy = await startConnectProxy(secure.url);
  const doors = { plain, secure, proxy };
  return {
    deliver: (given, o = {}) => deliver(doors, given, o),
    requests: () => [...plain.requests, ...secure.requests],
    async close() {
      proxy.close();
      await Promise.all([plain.close(), secure.close()]);
    },
  };
}

async function deliver(
  doors: { plain: WebhookReceiver; secure: WebhookReceiver; proxy: ConnectProxy },
  given: ProviderCase,
  o: Change & Pick<Delivery, 'answers' | 'ends'>,
): Promise<string[]> {
  const { plain, secure, proxy } = doors;
  const answers = { ...given.answers, ...o.answers };
  for (const server of [plain, secure]) {
    server.requests.length = 0;
    server.respond(({ method, path }) => ({
      status: 200,
      ...(answers[`${method} ${path.split('?', 1)[0]}`] ?? answers['*']),
    }));
  }
  const behindProxy = given.host !== undefined;
  const provider = providerOf(
    {
      type: given.type,
      ...given.spec?.(plain.url),
      ...(behindProxy && { proxy: proxy.url, certSecretRef: { name: 'ca' } }),
      secretRef: { name: 'secret' },
      ...o.spec,
    },
    { uid: providerUid },
  );
  const secret = { ...given.secret?.(plain.url), ...o.secret };
  const endpoint = await endpointOf(provider, async (_namespace, name) =>
    name === 'ca' ? { 'ca.crt': secure.ca ?? '' } : secret,
  );
  const event = eventOf({ ...given.event, ...o.event });
  const { signal } = new AbortController();
  const pool = new ProviderPool(localNetwork);
  const send = createSend(endpoint, { pool, signal, traceHeaders: {} });
  const commitStatusId = defaultStatusId(event, providerUid);
  const connect = createConnect({ guard: localNetwork, signal, timeoutMs: 5_000 });
  const receipts: string[] = [];
  await adapterFor(given.type)(event, endpoint, send, {
    alert,
    facts: {},
    commitStatusId,
    connect,
    identity: given.identity ?? appIdentity(provider, endpoint, { pool }),
    resolves: (o.ends?.failures ?? []).map((failure) => ({
      ...failure,
      event: eventOf(failure.event),
    })),
    members: o.ends?.members?.map((member) => eventOf(member)),
    isRecoveryOnly: o.ends?.only ?? false,
    remember: (receipt) => receipts.push(receipt),
  });
  return receipts;
}
