import type { KubeObject, OCIRepository } from '@sluice/shared/api';
import { RetryableError } from '@sluice/shared/base';
import { coreResources, isNotFound, type KubeClient } from '@sluice/shared/kube';
import { type Endpoint, endpointId } from '../adapters/endpoint.ts';
import { RegistryClient } from '../adapters/registry/client.ts';
import type { RegistryLogin } from '../adapters/registry/docker-config.ts';
import type { RepositoryAddress } from '../adapters/registry/reference.ts';
import { type NetworkPath, registryIdentity } from '../source/cloud.ts';
import { authenticationFailedReason } from '../source/names.ts';
import { loginFrom } from '../source/registry-login.ts';
import { proxyFrom, readSecret, type SecretData, tlsFrom } from '../source/secrets.ts';
import { ownerOf } from '../source/source.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import type { OciContext, OciRepositoryDeps } from './deps.ts';

interface ServiceAccount extends KubeObject {
  imagePullSecrets?: { name: string }[];
}

/**
 * Prepares the connection to a repository, with the login, TLS material and proxy of its Secrets; sends nothing
 * to the registry yet.
 *
 * @throws RetryableError `AuthenticationFailed` when a Secret or the ServiceAccount is missing or incomplete
 */
export async function connect(
  context: OciContext,
  deps: OciRepositoryDeps,
  address: RepositoryAddress,
  limit: TimeLimit,
): Promise<RegistryClient> {
  const { client, object, clock } = context;
  const endpoint = await endpointOf(client, object);
  const path = { endpoints: deps.endpoints, endpoint, signal: limit.signal };
  const login = await loginFor(context, deps, address.host, path);
  return new RegistryClient({
    address,
    login,
    dispatcher: deps.endpoints.dispatcherFor(endpoint, object.metadata.namespace ?? ''),
    signal: limit.signal,
    clock,
    authorizations: deps.authorizations,
    user: { kind: object.kind, ...ownerOf(object) },
    endpointId: endpointId(endpoint),
  });
}

async function endpointOf(client: KubeClient, object: OCIRepository): Promise<Endpoint> {
  const { namespace } = object.metadata;
  const { certSecretRef, proxySecretRef } = object.spec;
  const [cert, proxy] = await Promise.all([
    certSecretRef &&
      readSecret(client, { namespace, name: certSecretRef.name }, 'spec.certSecretRef'),
    proxySecretRef &&
      readSecret(client, { namespace, name: proxySecretRef.name }, 'spec.proxySecretRef'),
  ]);
  const tls = cert && tlsFrom(cert);
  return { ...(tls && { tls }), ...(proxy && { proxy: proxyFrom(proxy) }) };
}

async function loginFor(
  context: OciContext,
  { identities }: OciRepositoryDeps,
  host: string,
  path: NetworkPath,
): Promise<RegistryLogin | undefined> {
  const { client, object } = context;
  const { namespace } = object.metadata;
  const { secretRef, serviceAccountName, provider = 'generic', insecure } = object.spec;
  if (secretRef === undefined && provider !== 'generic') {
    const login = { provider, host, path, insecure, serviceAccountName };
    return registryIdentity(context, identities, login);
  }
  const secrets: SecretData[] = [];
  if (secretRef !== undefined) {
    secrets.push(await readSecret(client, { namespace, name: secretRef.name }, 'spec.secretRef'));
  }
  if (serviceAccountName) {
    for (const name of await pullSecrets(client, namespace, serviceAccountName)) {
      const field = `imagePullSecrets of service account '${serviceAccountName}'`;
      secrets.push(await readSecret(client, { namespace, name }, field));
    }
  }
  for (const secret of secrets) {
    const login = loginFrom(secret, host);
    if (login !== undefined) return login;
  }
  return undefined;
}

async function pullSecrets(
  client: KubeClient,
  namespace: string | undefined,
  name: string,
): Promise<string[]> {
  try {
    const account = await client.get<ServiceAccount>(coreResources.serviceAccounts, {
      namespace,
      name,
    });
    return (account.imagePullSecrets ?? []).map((reference) => reference.name);
  } catch (cause) {
    const why = isNotFound(cause) ? 'it does not exist' : 'the API server refused to return it';
    throw new RetryableError(
      authenticationFailedReason,
      `failed to get service account '${namespace}/${name}' named by spec.serviceAccountName: ${why}`,
      { cause },
    );
  }
}
