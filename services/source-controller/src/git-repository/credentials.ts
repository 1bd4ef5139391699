import type { GitRepository } from '@sluice/shared/api';
import { RetryableError } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import type { Endpoint } from '../adapters/endpoint.ts';
import { authenticationFailedReason } from '../source/names.ts';
import { proxyFrom, readSecret, type SecretData, tlsFrom } from '../source/secrets.ts';

/** How to reach a repository. */
export interface Access {
  /** The address without credentials. */
  url: URL;
  /** Value of the Authorization header. */
  authorization?: string;
  endpoint: Endpoint;
}

/**
 * Collects credentials, TLS material and proxy of a repository from its Secrets and its address.
 *
 * @throws RetryableError `AuthenticationFailed` when a Secret is missing or incomplete
 */
export async function accessTo(
  client: KubeClient,
  object: GitRepository,
  address: URL,
): Promise<Access> {
  const { namespace } = object.metadata;
  const { secretRef, proxySecretRef } = object.spec;
  const [secret, proxy] = await Promise.all([
    secretRef && readSecret(client, { namespace, name: secretRef.name }, 'spec.secretRef'),
    proxySecretRef &&
      readSecret(client, { namespace, name: proxySecretRef.name }, 'spec.proxySecretRef'),
  ]);
  const url = new URL(address.href);
  url.username = '';
  url.password = '';
  const authorization = secret ? fromSecret(secret, address) : fromUrl(address);
  const tls = secret && tlsFrom(secret);
  return {
    url,
    ...(authorization !== undefined && { authorization }),
    endpoint: { ...(tls && { tls }), ...(proxy && { proxy: proxyFrom(proxy) }) },
  };
}

function fromSecret({ id, values }: SecretData, address: URL): string | undefined {
  const { username, password, bearerToken, githubAppID } = values;
  if (githubAppID) {
    throw new RetryableError(
      authenticationFailedReason,
      `secret '${id}' holds a GitHub App, which is not supported yet`,
    );
  }
  if (bearerToken) return `Bearer ${bearerToken.trim()}`;
  if (username !== undefined || password !== undefined) {
    if (!username || !password) {
      throw new RetryableError(
        authenticationFailedReason,
        `secret '${id}' must hold both username and password`,
      );
    }
    return basic(username, password);
  }
  return fromUrl(address);
}

function fromUrl(address: URL): string | undefined {
  if (address.username === '') return undefined;
  return basic(decodeURIComponent(address.username), decodeURIComponent(address.password));
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
