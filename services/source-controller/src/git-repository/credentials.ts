import type { GitRepository } from '@sluice/shared/api';
import { RetryableError } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import type { Endpoint } from '../adapters/endpoint.ts';
import { authenticationFailedReason } from '../source/names.ts';
import {
  basicFrom,
  basicFromUrl,
  proxyFrom,
  readSecret,
  type SecretData,
  tlsFrom,
  withoutCredentials,
} from '../source/secrets.ts';

/** How to reach a repository. */
export interface Access {
  /** The address without credentials. */
  url: URL;
  /** Value of the Authorization header. */
  authorization?: string;
  endpoint: Endpoint;
  /** The Secret of `spec.secretRef`. */
  secret?: SecretData;
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
  const url = withoutCredentials(address);
  if (url.protocol === 'ssh:') return { url, endpoint: {}, ...(secret && { secret }) };
  const authorization = secret ? fromSecret(secret, address) : basicFromUrl(address);
  const tls = secret && tlsFrom(secret);
  return {
    url,
    ...(authorization !== undefined && { authorization }),
    endpoint: { ...(tls && { tls }), ...(proxy && { proxy: proxyFrom(proxy) }) },
  };
}

function fromSecret(secret: SecretData, address: URL): string | undefined {
  const { id, values } = secret;
  const { bearerToken, githubAppID } = values;
  if (githubAppID) {
    throw new RetryableError(
      authenticationFailedReason,
      `secret '${id}' holds a GitHub App, which is not supported yet`,
    );
  }
  if (bearerToken) return `Bearer ${bearerToken.trim()}`;
  return basicFrom(secret) ?? basicFromUrl(address);
}
