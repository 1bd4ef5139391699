import { createHmac } from 'node:crypto';
import { azureScopes } from '@sluice/shared/cloud';
import type { Adapter, Endpoint } from '../adapter.ts';
import { bearer, channelOf } from '../credentials.ts';
import { UnusableProviderError } from '../delivery-error.ts';
import { fitEvent } from '../fit.ts';
import { checkOneLogin } from '../identity.ts';
import type { ProviderIdentity } from '../provider-identity.ts';

/** Bytes of an event, in the tier that takes least: 256 KB with its properties. */
const maxEvent = 250_000;
const suffix = '.servicebus.windows.net';
const azureForm = /\.servicebus\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/;
const signatureSeconds = 5 * 60;

/**
 * Sends the event to an Azure Event Hub. The address is a connection string with a shared access key; or the name of
 * the hub, with its namespace as channel, and a token or an identity.
 *
 * @see https://learn.microsoft.com/rest/api/eventhub/send-event
 */
export const azureEventHub: Adapter = async (event, endpoint, send, { identity }) => {
  const isConnection = endpoint.address.includes('SharedAccessKey');
  const { url, headers } = isConnection ? byKey(endpoint) : await byToken(endpoint, identity);
  await send({
    url: `${url}/messages?timeout=60&api-version=2014-01`,
    headers: { ...headers, 'content-type': 'application/json' },
    body: fitEvent(event, maxEvent),
  });
};

interface Hub {
  url: string;
  headers: Record<string, string>;
}

async function byToken(endpoint: Endpoint, identity: ProviderIdentity): Promise<Hub> {
  checkOneLogin(endpoint);
  const namespace = channelOf(endpoint, 'the namespace of the hub');
  const host = namespace.includes('.servicebus.') ? namespace : `${namespace}${suffix}`;
  const url = `https://${host}/${encodeURIComponent(endpoint.address)}`;
  if (endpoint.token) return { url, headers: bearer(endpoint.token) };
  // Whoever gets the token can use it.
  if (!azureForm.test(host)) {
    throw new UnusableProviderError(
      'spec.channel names no namespace of Azure, which alone gets tokens of an identity: write its name, or put a token into the Secret',
    );
  }
  return { url, headers: bearer(await identity.azure(azureScopes.eventHubs)) };
}

function byKey({ address, token, serviceAccountName }: Endpoint): Hub {
  const where = 'the connection string of the hub';
  if (serviceAccountName) {
    throw new UnusableProviderError(
      `the Secret has ${where} beside spec.serviceAccountName: remove one of them`,
    );
  }
  if (token !== '') {
    throw new UnusableProviderError(`the Secret has a token beside ${where}: remove one of them`);
  }
  const parts = Object.fromEntries(
    address.split(';').map((part) => {
      const at = part.indexOf('=');
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    }),
  );
  const host = URL.parse(parts['Endpoint'] ?? '')?.hostname;
  const { EntityPath: hub, SharedAccessKeyName: name, SharedAccessKey: key } = parts;
  if (!host || !hub || !name || !key) {
    throw new UnusableProviderError(
      `${where} needs Endpoint, SharedAccessKeyName, SharedAccessKey and EntityPath: add what is missing`,
    );
  }
  const url = `https://${host}/${encodeURIComponent(hub)}`;
  return { url, headers: { authorization: sharedAccessSignature(url, name, key) } };
}

/** @see https://learn.microsoft.com/rest/api/eventhub/generate-sas-token */
function sharedAccessSignature(url: string, name: string, key: string): string {
  const resource = encodeURIComponent(url);
  const expiry = Math.floor(Date.now() / 1000) + signatureSeconds;
  const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${encodeURIComponent(name)}`;
}
