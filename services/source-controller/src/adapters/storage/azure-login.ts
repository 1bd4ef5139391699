import { createHmac } from 'node:crypto';
import type { Clock } from '@sluice/shared/base';

/** Adds what logs a request to Azure Blob Storage in. */
export type AzureLogin = (
  url: URL,
  headers: Record<string, string>,
) => Promise<{ url: URL; headers: Record<string, string> }>;

/** For containers that anybody may read. */
export const anonymousLogin: AzureLogin = async (url, headers) => ({ url, headers });

/** With a token, which is asked for when it is needed. */
export function tokenLogin(token: () => Promise<string>): AzureLogin {
  return async (url, headers) => ({
    url,
    headers: { ...headers, authorization: `Bearer ${await token()}` },
  });
}

/** With a shared access signature; its parameters win over those of the endpoint. */
export function sasLogin(signature: URLSearchParams): AzureLogin {
  return async (given, headers) => {
    const url = new URL(given);
    for (const [name, value] of signature) url.searchParams.set(name, value);
    return { url, headers };
  };
}

/**
 * With the key of the storage account.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
 */
export function sharedKeyLogin(account: string, key: string, clock: Clock): AzureLogin {
  return async (url, given) => {
    const headers: Record<string, string> = {
      ...given,
      'x-ms-date': new Date(clock.now()).toUTCString(),
    };
    const canonicalHeaders = Object.entries(headers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}:${value}`);
    const parameters = [...url.searchParams]
      .map(([name, value]) => `${name.toLowerCase()}:${value}`)
      .sort();
    const resource = [`/${account}${url.pathname}`, ...parameters].join('\n');
    // Eleven headers that requests to read do not have.
    const text = ['GET', ...Array<string>(11).fill(''), ...canonicalHeaders, resource].join('\n');
    const signature = createHmac('sha256', Buffer.from(key, 'base64'))
      .update(text)
      .digest('base64');
    return { url, headers: { ...headers, authorization: `SharedKey ${account}:${signature}` } };
  };
}
