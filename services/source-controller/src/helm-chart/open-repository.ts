import { rm } from 'node:fs/promises';
import type { HelmRepository } from '@sluice/shared/api';
import { errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { endpointId } from '../adapters/endpoint.ts';
import { RegistryClient } from '../adapters/registry/client.ts';
import type { RegistryLogin } from '../adapters/registry/docker-config.ts';
import type { RepositoryAddress } from '../adapters/registry/reference.ts';
import { readIndexAnywhere } from '../helm/helm-workers.ts';
import type { ChartIndex } from '../helm/index-charts.ts';
import { accessTo, type RepositorySecrets, readSecrets } from '../helm-repository/access.ts';
import { ociScheme, parseRepositoryAddress } from '../helm-repository/address.ts';
import { fetchIndex } from '../helm-repository/fetch-index.ts';
import { registryIdentity } from '../source/cloud.ts';
import { authenticationFailedReason } from '../source/names.ts';
import { dockerConfigKey, loginFrom } from '../source/registry-login.ts';
import type { SecretData } from '../source/secrets.ts';
import { ownerOf } from '../source/source.ts';
import { TimeLimit } from '../source/time-limit.ts';
import { turnOf } from '../source/turn.ts';
import type { VerifySpec } from '../verification/deps.ts';
import { verifySignature } from '../verification/verify-signature.ts';
import type { HelmChartContext, HelmChartDeps } from './deps.ts';
import { withArtifact } from './find-source.ts';
import { openIndexRepository } from './index-repository.ts';
import { openRegistryRepository, type RegistryRepositoryOptions } from './registry-repository.ts';
import type { ChartRepository } from './repository.ts';

/** A repository, and how it is used. */
export interface RepositoryToOpen {
  /** Its address. */
  url: string;
  /** Describes how to reach it; without, it is used anonymously. */
  object: HelmRepository | undefined;
  /** How charts of a registry have to be signed. */
  verify?: VerifySpec | undefined;
}

/**
 * Opens a repository; nothing is read or sent yet.
 *
 * @throws StalledError `URLInvalid` when it can never be opened
 */
export function openRepository(
  context: HelmChartContext,
  deps: HelmChartDeps,
  { url, object, verify }: RepositoryToOpen,
): ChartRepository {
  const limit = new TimeLimit(object?.spec.timeout, context.signal);
  const isOci = object === undefined ? url.startsWith(ociScheme) : object.spec.type === 'oci';
  return isOci
    ? openOci({ context, deps, url, object, verify, limit })
    : openDefault({ context, deps, url, object, limit });
}

interface Opening extends RepositoryToOpen {
  context: HelmChartContext;
  deps: HelmChartDeps;
  limit: TimeLimit;
}

function openDefault({ context, deps, url, object, limit }: Opening): ChartRepository {
  const { client, clock } = context;
  const address = parseRepositoryAddress(url, 'the address of the Helm repository');
  const access = () => accessTo(client, address, object);
  const share = context.object.metadata.namespace ?? '';
  const artifact = object?.status?.artifact;
  const index = async (): Promise<ChartIndex> => {
    if (artifact !== undefined) {
      return withArtifact(deps.store, artifact, () => deps.indexes.get(artifact));
    }
    const fetched = await fetchIndex(await access(), { ...deps, share, clock, limit });
    try {
      const task = { operation: 'index', source: fetched.path } as const;
      return (await readIndexAnywhere(task, turnOf(context, deps, limit.signal))).charts;
    } finally {
      await rm(fetched.path, { force: true });
    }
  };
  const maxArchiveBytes = deps.limits.archiveBytes;
  return openIndexRepository({
    index: () => index().catch(unreadable),
    access,
    endpoints: deps.endpoints,
    share,
    clock,
    limit,
    maxArchiveBytes,
  });
}

/** Whatever is wrong with an index, the next one may be better. */
function unreadable(cause: unknown): never {
  if (cause instanceof ReconcileError) throw cause;
  throw new RetryableError(
    'ChartPullError',
    `chart pull error: failed to load index: ${errorMessage(cause)}`,
    { cause },
  );
}

function openOci({ context, deps, url, object, verify: spec, limit }: Opening): ChartRepository {
  const { client, clock } = context;
  const insecure = object?.spec.insecure ?? false;
  const connect = async (address: RepositoryAddress) => {
    const secrets: RepositorySecrets = object ? await readSecrets(client, object) : {};
    const endpoint = secrets.tls ? { tls: secrets.tls } : {};
    const { provider = 'generic' } = object?.spec ?? {};
    const path = { endpoints: deps.endpoints, endpoint, signal: limit.signal };
    const { host } = address;
    const login =
      secrets.login === undefined && provider !== 'generic'
        ? await registryIdentity(context, deps.identities, { provider, host, path, insecure })
        : secrets.login && registryLogin(secrets.login, host);
    return new RegistryClient({
      address,
      login,
      dispatcher: deps.endpoints.dispatcherFor(endpoint, context.object.metadata.namespace ?? ''),
      signal: limit.signal,
      clock,
      authorizations: deps.authorizations,
      user: { kind: context.object.kind, ...ownerOf(context.object) },
      endpointId: endpointId(endpoint),
    });
  };
  const maxArchiveBytes = deps.limits.archiveBytes;
  const verify: RegistryRepositoryOptions['verify'] =
    spec &&
    (({ version: what }, content) =>
      verifySignature(context, deps.verification, spec, {
        ...content,
        what: `version ${what}`,
        limit,
      }));
  return openRegistryRepository({ url, insecure, connect, verify, limit, maxArchiveBytes });
}

/** @throws RetryableError `AuthenticationFailed` when the Secret holds no login of any kind */
function registryLogin(secret: SecretData, host: string): RegistryLogin | undefined {
  if (secret.values[dockerConfigKey] !== undefined) return loginFrom(secret, host);
  const { username, password } = secret.values;
  if (username && password) return { username, password };
  if (secret.values['ca.crt'] || secret.values['caFile']) return undefined;
  throw new RetryableError(
    authenticationFailedReason,
    `secret '${secret.id}' must hold username and password, or ${dockerConfigKey}`,
  );
}
