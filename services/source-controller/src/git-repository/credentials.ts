import type { Endpoint } from '../adapters/endpoint.ts';
import {
  basicFrom,
  basicFromUrl,
  proxyFrom,
  readSecret,
  type SecretData,
  tlsFrom,
  withoutCredentials,
} from '../source/secrets.ts';
import type { GitContext, GitRepositoryDeps } from './deps.ts';
import { checkApp, providerLogin } from './provider-login.ts';

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
 * Collects credentials, TLS material and proxy of a repository from its Secrets, its address and its provider.
 *
 * @param o.signal ends what is asked for that
 * @throws RetryableError `AuthenticationFailed` when a Secret is missing or incomplete; as {@link providerLogin}
 */
export async function accessTo(
  context: GitContext,
  { endpoints, identities }: Pick<GitRepositoryDeps, 'endpoints' | 'identities'>,
  { address, signal }: { address: URL; signal: AbortSignal },
): Promise<Access> {
  const { client, object } = context;
  const { namespace } = object.metadata;
  const { secretRef, proxySecretRef } = object.spec;
  const [secret, proxy] = await Promise.all([
    secretRef && readSecret(client, { namespace, name: secretRef.name }, 'spec.secretRef'),
    proxySecretRef &&
      readSecret(client, { namespace, name: proxySecretRef.name }, 'spec.proxySecretRef'),
  ]);
  const url = withoutCredentials(address);
  if (url.protocol === 'ssh:') return { url, endpoint: {}, ...(secret && { secret }) };
  const tls = secret && tlsFrom(secret);
  const endpoint = { ...(tls && { tls }), ...(proxy && { proxy: proxyFrom(proxy) }) };
  const path = { endpoints, endpoint, signal };
  const login = { context, identities, url, path, ...(secret && { secret }) };
  const authorization = (await providerLogin(login)) ?? ownLogin(secret, address);
  return { url, ...(authorization !== undefined && { authorization }), endpoint };
}

function ownLogin(secret: SecretData | undefined, address: URL): string | undefined {
  if (secret === undefined) return basicFromUrl(address);
  checkApp(secret);
  const { bearerToken } = secret.values;
  if (bearerToken) return `Bearer ${bearerToken.trim()}`;
  return basicFrom(secret) ?? basicFromUrl(address);
}
