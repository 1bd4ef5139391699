import { RetryableError } from '@sluice/shared/base';
import {
  isNotFound,
  type KubeClient,
  type ObjectKey,
  readSecretValues,
  secretTexts,
} from '@sluice/shared/kube';
import { isProxyAddress, proxyForms } from '@sluice/shared/net';
import type { Endpoint } from '../adapters/endpoint.ts';
import { authenticationFailedReason } from './names.ts';

/** The decoded values of a Secret. */
export interface SecretData {
  /** `<namespace>/<name>`, for messages. */
  id: string;
  values: Record<string, string>;
  /** The values in base64, for what is no text. */
  encoded: Record<string, string>;
}

/**
 * Reads a Secret.
 *
 * @param field of the object that names it, for the message
 * @throws RetryableError `AuthenticationFailed` when it cannot be read
 */
export async function readSecret(
  client: KubeClient,
  key: ObjectKey,
  field: string,
): Promise<SecretData> {
  const id = `${key.namespace}/${key.name}`;
  try {
    const encoded = await readSecretValues(client, key);
    return { id, values: secretTexts(encoded), encoded };
  } catch (cause) {
    const why = isNotFound(cause) ? 'it does not exist' : 'the API server refused to return it';
    throw new RetryableError(
      authenticationFailedReason,
      `failed to get secret '${id}' named by ${field}: ${why}`,
      { cause },
    );
  }
}

/**
 * Takes TLS material from a Secret: `ca.crt` (or the older `caFile`), `tls.crt` and `tls.key`.
 *
 * @throws RetryableError `AuthenticationFailed` when certificate and key are not both there
 */
export function tlsFrom({ id, values }: SecretData): Endpoint['tls'] {
  const ca = values['ca.crt'] || values['caFile'];
  const cert = values['tls.crt'] || values['certFile'];
  const key = values['tls.key'] || values['keyFile'];
  if (Boolean(cert) !== Boolean(key)) {
    throw new RetryableError(
      authenticationFailedReason,
      `secret '${id}' must hold both tls.crt and tls.key, or neither`,
    );
  }
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw new RetryableError(
      authenticationFailedReason,
      `secret '${id}' holds no PEM certificate in ca.crt`,
    );
  }
  return ca || cert ? { ca, cert, key } : undefined;
}

/**
 * Takes a proxy from a Secret.
 *
 * @throws RetryableError `AuthenticationFailed` when it names none that can be used
 */
export function proxyFrom({ id, values }: SecretData): NonNullable<Endpoint['proxy']> {
  const address = values['address']?.trim() ?? '';
  if (!isProxyAddress(address)) {
    throw new RetryableError(
      authenticationFailedReason,
      `secret '${id}' must hold the proxy in address, as ${proxyForms}`,
    );
  }
  return { address, username: values['username'], password: values['password'] };
}

/**
 * Takes a login from a Secret.
 *
 * @returns the value of the Authorization header; undefined when it holds none
 * @throws RetryableError `AuthenticationFailed` when username and password are not both there
 */
export function basicFrom({ id, values }: SecretData): string | undefined {
  const { username, password } = values;
  if (username === undefined && password === undefined) return undefined;
  if (!username || !password) {
    throw new RetryableError(
      authenticationFailedReason,
      `secret '${id}' must hold both username and password`,
    );
  }
  return basic(username, password);
}

/** Takes a login from an address: the value of the Authorization header, undefined when it holds none. */
export function basicFromUrl(address: URL): string | undefined {
  if (address.username === '') return undefined;
  return basic(decodeURIComponent(address.username), decodeURIComponent(address.password));
}

/** Returns an address without its login. */
export function withoutCredentials(address: URL): URL {
  const url = new URL(address.href);
  url.username = '';
  url.password = '';
  return url;
}

/** The value of the Authorization header for a name and a password. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
