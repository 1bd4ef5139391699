import { RetryableError } from '@sluice/shared/base';
import {
  type CloudCaller,
  type CloudIdentities,
  type CloudName,
  type RegistryCredentials,
  withLogin,
} from '@sluice/shared/cloud';
import { type Endpoint, type Endpoints, endpointId } from '../adapters/endpoint.ts';
import { authenticationFailedReason } from './names.ts';
import { ownerOf, type SourceContext } from './source.ts';

/** How services that give logins are reached for an object. */
export interface NetworkPath {
  endpoints: Endpoints;
  /** The proxy of the object, if it names one. */
  endpoint: Endpoint;
  signal: AbortSignal;
}

/** As whom, and by which way, an object logs in to clouds. */
export function callerOf(
  { client, object }: Pick<SourceContext, 'client' | 'object'>,
  { endpoints, endpoint, signal }: NetworkPath,
  { serviceAccountName, exposedBy }: Pick<CloudCaller, 'serviceAccountName' | 'exposedBy'>,
): CloudCaller {
  return {
    client,
    namespace: object.metadata.namespace ?? '',
    ...(serviceAccountName && { serviceAccountName }),
    user: { kind: object.kind, ...ownerOf(object) },
    dispatcher: endpoints.dispatcherFor(endpoint, object.metadata.namespace ?? ''),
    via: endpointId(endpoint),
    exposedBy,
    signal,
  };
}

/**
 * Logs in, and gives failures the reason and message that clients see.
 *
 * @throws RetryableError `AuthenticationFailed`
 */
export function cloudLogin<T>(provider: string, login: () => Promise<T>): Promise<T> {
  return withLogin(
    login,
    (cause) =>
      new RetryableError(
        authenticationFailedReason,
        `failed to log in for spec.provider '${provider}': ${cause.message}`,
        { cause, retryAfterMs: cause.retryAfterMs },
      ),
  );
}

/**
 * Logs in to a registry of a cloud.
 *
 * @param o.host of the registry, with its port if it has one
 * @param o.path to the registry; services that give logins get its TLS material neither to see nor to trust
 * @throws RetryableError `AuthenticationFailed`
 */
export function registryIdentity(
  context: Pick<SourceContext, 'client' | 'object'>,
  identities: CloudIdentities,
  o: {
    provider: CloudName;
    host: string;
    path: NetworkPath;
    insecure?: boolean | undefined;
    serviceAccountName?: string | undefined;
  },
): Promise<RegistryCredentials> {
  const { provider, host, path, insecure, serviceAccountName } = o;
  const exposedBy = exposureOf(path.endpoint, insecure);
  const caller = callerOf(context, withoutTls(path), { serviceAccountName, exposedBy });
  return cloudLogin(provider, () => identities.registry(provider, host, caller));
}

/** What lets others read what is sent to a server: plain HTTP, or an authority that the object names. */
export function exposureOf({ tls }: Endpoint, insecure = false): string | undefined {
  if (insecure) return 'spec.insecure';
  return tls?.ca === undefined ? undefined : 'a CA that the object names';
}

/** The same way without TLS material, which is for one server. */
export function withoutTls(path: NetworkPath): NetworkPath {
  const { proxy } = path.endpoint;
  return { ...path, endpoint: proxy === undefined ? {} : { proxy } };
}
