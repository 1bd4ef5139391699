import { FakeClock } from '@sluice/shared/base';
import {
  type CloudCaller,
  type CloudEnvironment,
  CloudIdentities,
  TokenCache,
} from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import { receiveWebhooks, standInDispatcher, standInFor } from '@sluice/testing';

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
    ...standInFor(server),
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
