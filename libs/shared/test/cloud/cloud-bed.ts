import { FakeClock } from '@sluice/shared/base';
import {
  type CloudCaller,
  type CloudEnvironment,
  CloudIdentities,
  TokenCache,
} from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import {
  receiveWebhooks,
  standInDispatcher,
  standInHeader,
  type WebhookReply,
} from '@sluice/testing';

/** A request as the cloud got it. */
export interface Asked {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Headers that say nothing of a login. */
const plain = ['host', 'connection', 'content-length', 'user-agent', standInHeader];

/** A server that stands in for all services of the clouds, and for the machine. */
export async function startCloud() {
  const server = await receiveWebhooks();
  const dispatcher = standInDispatcher(server.url);
  const clock = new FakeClock();
  const identities = (
    environment: CloudEnvironment,
    o: { isObjectLevel?: boolean; defaultServiceAccount?: string; maxSize?: number } = {},
  ) =>
    new CloudIdentities({
      environment,
      isObjectLevel: o.isObjectLevel ?? true,
      defaultServiceAccount: o.defaultServiceAccount ?? '',
      defaultFlag: 'default-service-account',
      tokens: new TokenCache({ maxSize: o.maxSize ?? 100, maxDurationMs: 3_600_000, clock }),
      local: dispatcher,
      clock,
    });
  return {
    clock,
    identities,
    door: { dispatcher, clock, signal: new AbortController().signal },
    caller: (change: Partial<CloudCaller> = {}): CloudCaller => ({
      client: noClient,
      namespace: 'apps',
      user: { kind: 'Bucket', namespace: 'apps', name: 'app' },
      dispatcher,
      via: '',
      signal: new AbortController().signal,
      ...change,
    }),
    /** Answers by method and address without query; whatever else is asked for is not there. */
    answer(replies: Record<string, object | string | WebhookReply>) {
      server.requests.length = 0;
      server.respond(({ method, path, headers }) => {
        const [bare] = path.split('?');
        const reply = replies[`${method} ${headers[standInHeader]}${bare}`];
        if (reply === undefined) return { status: 404, body: '{"error":"unexpected"}' };
        if (typeof reply === 'object' && 'status' in reply) return reply as WebhookReply;
        const body = typeof reply === 'string' ? reply : JSON.stringify(reply);
        return { status: 200, body };
      });
    },
    /** What was asked since the answers were set. */
    asked: (): Asked[] =>
      server.requests.map(({ method, path, headers, body }) => ({
        method,
        url: `${headers[standInHeader]}${path}`,
        headers: Object.fromEntries(
          Object.entries(headers)
            .filter(([name]) => !plain.includes(name))
            .map(([name, value]) => [name, String(value)]),
        ),
        body,
      })),
    async close() {
      await dispatcher.destroy();
      await server.close();
    },
  };
}

export type Cloud = Awaited<ReturnType<typeof startCloud>>;

/** The controller's own identity needs nothing of the cluster. */
const noClient = new Proxy({} as KubeClient, {
  get: () => {
    throw new Error('the cluster is not to be asked');
  },
});

/** The header and the body of a form. */
export const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** An answer of AWS's token service. */
export function stsAnswer(action: string): string {
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials><AccessKeyId>ASIAKEY</AccessKeyId><SecretAccessKey>c2Vj/cmV0</SecretAccessKey><SessionToken>session==</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></${action}Result></${action}Response>`;
}
