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

/** A repository to reach for an object. */
export interface Destination {
  address: URL;
  /** Whether it is on another server than the object's credentials are for: it gets none of them. */
  isForeign?: boolean;
  /** Ends what is asked for that. */
  signal: AbortSignal;
}

/**
 * Collects credentials, TLS material and proxy of a repository from its Secrets, its address and its provider.
 *
 * @throws RetryableError `AuthenticationFailed` when a Secret is missing or incomplete; as {@link providerLogin}
 */
export async function accessTo(
  context: GitContext,
  { endpoints, identities }: Pick<GitRepositoryDeps, 'endpoints' | 'identities'>,
  { address, isForeign = false, signal }: Destination,
): Promise<Access> {
  const { client, object } = context;
  const { namespace } = object.metadata;
  const { proxySecretRef } = object.spec;
  const secretRef = isForeign ? undefined : object.spec.secretRef;
  const [secret, proxy] = await Promise.all([
    secretRef && readSecret(client, { namespace, name: secretRef.name }, 'spec.secretRef'),
    proxySecretRef &&
      readSecret(client, { namespace, name: proxySecretRef.name }, 'spec.proxySecretRef'),
  ]);
  const url = withoutCredentials(address);
  const via: Endpoint = proxy ? { proxy: proxyFrom(proxy) } : {};
  if (url.protocol === 'ssh:') return { url, endpoint: via, ...(secret && { secret }) };
  if (isForeign) return { url, endpoint: via, ...authorized(basicFromUrl(address)) };
  const tls = secret && tlsFrom(secret);
  const endpoint = { ...via, ...(tls && { tls }) };
  const path = { endpoints, endpoint, signal };
  const login = { context, identities, url, path, ...(secret && { secret }) };
  const authorization = (await providerLogin(login)) ?? ownLogin(secret, address);
  return { url, ...authorized(authorization), endpoint };
}

function authorized(authorization: string | undefined): Pick<Access, 'authorization'> {
  return authorization === undefined ? {} : { authorization };
}

function ownLogin(secret: SecretData | undefined, address: URL): string | undefined {
  if (secret === undefined) return basicFromUrl(address);
  checkApp(secret);
  const { bearerToken } = secret.values;
  if (bearerToken) return `Bearer ${bearerToken.trim()}`;
  return basicFrom(secret) ?? basicFromUrl(address);
}
