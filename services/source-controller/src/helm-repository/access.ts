import type { HelmRepository } from '@sluice/shared/api';
import type { KubeClient } from '@sluice/shared/kube';
import type { Endpoint } from '../adapters/endpoint.ts';
import {
  basicFrom,
  basicFromUrl,
  readSecret,
  type SecretData,
  tlsFrom,
  withoutCredentials,
} from '../source/secrets.ts';

/** How to reach the hosts of a repository. */
export interface RepositoryAccess {
  /** The address without credentials. */
  url: URL;
  /** Value of the Authorization header for the repository's own host. */
  authorization?: string;
  endpoint: Endpoint;
  /** Whether other hosts that the index names get the credentials as well. */
  passCredentials: boolean;
}

/** Secrets of a repository. */
export interface RepositorySecrets {
  login?: SecretData;
  /** TLS material: of its own Secret, else, as in earlier versions of Flux, of the one with the login. */
  tls?: Endpoint['tls'];
}

/**
 * Reads the Secrets that a HelmRepository names.
 *
 * @throws RetryableError `AuthenticationFailed` when one is missing or incomplete
 */
export async function readSecrets(
  client: KubeClient,
  { metadata: { namespace }, spec: { secretRef, certSecretRef } }: HelmRepository,
): Promise<RepositorySecrets> {
  const [login, cert] = await Promise.all([
    secretRef && readSecret(client, { namespace, name: secretRef.name }, 'spec.secretRef'),
    certSecretRef &&
      readSecret(client, { namespace, name: certSecretRef.name }, 'spec.certSecretRef'),
  ]);
  const holder = cert ?? login;
  const tls = holder && tlsFrom(holder);
  return { ...(login && { login }), ...(tls && { tls }) };
}

/**
 * Collects credentials and TLS material of a repository with an index from its Secrets and its address.
 *
 * @param object undefined for a repository that no object describes
 * @throws RetryableError `AuthenticationFailed` when a Secret is missing or incomplete
 */
export async function accessTo(
  client: KubeClient,
  address: URL,
  object: HelmRepository | undefined,
): Promise<RepositoryAccess> {
  const { login, tls } = object ? await readSecrets(client, object) : {};
  const authorization = (login && basicFrom(login)) ?? basicFromUrl(address);
  return {
    url: withoutCredentials(address),
    ...(authorization !== undefined && { authorization }),
    endpoint: tls ? { tls } : {},
    passCredentials: object?.spec.passCredentials ?? false,
  };
}

/**
 * Decides what a host gets to see. Only the repository's own host gets login and client certificate, others no more
 * than trust in the same authority; with `passCredentials` all do, except that no login leaves HTTPS.
 */
export function accessFor(
  access: RepositoryAccess,
  target: URL,
): Pick<RepositoryAccess, 'authorization' | 'endpoint'> {
  const { authorization, endpoint, url, passCredentials } = access;
  const own = target.origin === url.origin;
  const downgraded = url.protocol === 'https:' && target.protocol === 'http:';
  if (own || (passCredentials && !downgraded)) {
    return { ...(authorization !== undefined && { authorization }), endpoint };
  }
  const ca = endpoint.tls?.ca;
  return { endpoint: ca === undefined ? {} : { tls: { ca } } };
}
