import { FakeClock } from '@sluice/shared/base';
import type { SopsKey } from '@sluice/shared/cli';
import { type CloudEnvironment, CloudIdentities, TokenCache } from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import { receiveWebhooks, standInDispatcher, standInFor } from '@sluice/testing';
import { DataKeys } from '../../src/decryption/data-keys.ts';
import { readHeldKeys } from '../../src/decryption/held-keys.ts';

/** What a data key is opened for. */
export interface Asking {
  key: SopsKey;
  ciphertext: string;
  /** Entries of the Secret. */
  secret?: Record<string, string>;
  namespace?: string;
  /** The ServiceAccount to ask as, and what reaches its cluster. */
  account?: { client: KubeClient; name: string };
  /** A data key that is no text is told with a character for each byte. */
  latin1?: boolean;
}

export type KeyBed = Awaited<ReturnType<typeof startKeyBed>>;

/** What opens data keys, with a server that stands in for every service. */
export async function startKeyBed() {
  const server = await receiveWebhooks();
  const dispatcher = standInDispatcher(server.url);
  const clock = new FakeClock();
  const signal = new AbortController().signal;
  return {
    clock,
    /** Makes what opens data keys, as a controller does. */
    open(environment: CloudEnvironment = {}) {
      const identities = new CloudIdentities({
        environment,
        isObjectLevel: true,
        defaultServiceAccount: '',
        defaultFlag: 'default-decryption-service-account',
        tokens: new TokenCache({ maxSize: 100, maxDurationMs: 3_600_000, clock }),
        local: dispatcher,
        clock,
      });
      const dataKeys = new DataKeys({
        identities,
        defaultServiceAccount: '',
        dispatcher,
        local: dispatcher,
        clock,
        vaultLogins: undefined,
      });
      return async (asking: Asking) => {
        const { key, ciphertext, secret = {}, namespace = 'apps', latin1, account } = asking;
        const where = `Secret '${namespace}/keys' of spec.decryption.secretRef`;
        const held = readHeldKeys(secret, where);
        const digest = JSON.stringify(held);
        const keys = { held, where, serviceAccountName: account?.name, digest };
        const client = account?.client ?? noClient;
        const open = dataKeys.for({ client, namespace, name: 'app', keys });
        const dataKey = Buffer.from(await open({ key, ciphertext }, signal));
        return dataKey.toString(latin1 ? 'latin1' : 'utf8');
      };
    },
    ...standInFor(server),
    async close() {
      await dispatcher.destroy();
      await server.close();
    },
  };
}

/** No login of these tests needs the cluster. */
const noClient = new Proxy({} as KubeClient, {
  get: () => {
    throw new Error('the cluster is not to be asked');
  },
});

/** In base64. */
export const base64 = (text: string): string => Buffer.from(text).toString('base64');
