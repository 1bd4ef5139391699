import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, RetryableError, StalledError, sha256Hex } from '@sluice/shared/base';
import { isNotFound } from './api-error.ts';
import { type ClusterConfig, KubeConfigError } from './cluster-config.ts';
import { issuedCredentials } from './credentials.ts';
import { loadKubeConfig } from './kube-config.ts';
import type { KubeConfigReference } from './kube-config-reference.ts';
import { coreResources } from './resource.ts';
import type { KubeClient } from './types.ts';

/** A cluster that a ConfigMap describes, and the way in. */
export interface ClusterLogin {
  /** Address without a trailing slash. */
  server: string;
  /** Authorities in PEM; those of the system without. */
  ca?: string;
  /**
   * A token for it, kept until shortly before its end.
   *
   * @param refused one that did not work
   * @throws KubeConfigError
   */
  token(refused?: string): Promise<string>;
}

/**
 * Logs in to the cluster that a ConfigMap describes.
 *
 * @throws KubeConfigError naming the key and the fix
 */
export type LogInToCluster = (o: {
  /** Of the ConfigMap. */
  data: Record<string, string>;
  client: KubeClient;
  namespace: string;
  user?: ConfigUser | undefined;
  signal?: AbortSignal | undefined;
}) => Promise<ClusterLogin>;

/** The object that needs a cluster; for metrics. */
export interface ConfigUser {
  kind: string;
  name: string;
  namespace: string;
}

/** Where and how to find what says how to reach another cluster. */
export interface RemoteConfigOptions {
  client: KubeClient;
  namespace: string;
  user?: ConfigUser;
  insecureExec?: boolean;
  insecureTls?: boolean;
  signal?: AbortSignal;
}

/** How to reach another cluster. */
export interface RemoteConfig {
  /** Changes with all that a client is made of. */
  version: string;
  /** @throws KubeConfigError */
  load(): ClusterConfig;
  /** Says what holds it, for messages. */
  where: string;
}

/** The reason that Flux gives when it can build no client. */
export const remoteReason = 'ReconciliationFailed';

interface DataObject extends KubeObject {
  data?: Record<string, string>;
}

/**
 * Reads how to reach the cluster of `spec.kubeConfig`.
 *
 * @throws RetryableError, StalledError `ReconciliationFailed`
 */
export async function readRemoteConfig(
  o: RemoteConfigOptions,
  { secretRef, configMapRef }: KubeConfigReference,
  logIn: LogInToCluster | undefined,
): Promise<RemoteConfig> {
  if (secretRef !== undefined) return fromSecret(o, secretRef);
  if (configMapRef !== undefined && logIn !== undefined) {
    return fromConfigMap(o, configMapRef.name, logIn);
  }
  throw new StalledError(
    remoteReason,
    'spec.kubeConfig has neither secretRef nor a configMapRef that can be used: set one',
  );
}

/** Says why a kubeconfig, or what stands for one, cannot be used. */
export function unusable(where: string, error: Error, field = ''): RetryableError {
  return new RetryableError(remoteReason, `${where} cannot be used: ${field}${error.message}`, {
    cause: error,
  });
}

async function fromSecret(
  o: RemoteConfigOptions,
  { name, key }: { name: string; key?: string },
): Promise<RemoteConfig> {
  const secret = await read(o, 'secretRef', name);
  const content = kubeConfigIn(secret, key);
  const { insecureExec, insecureTls } = o;
  return {
    version: versionOf(secret),
    load: () => loadKubeConfig({ content, insecureExec, insecureTls }),
    where: `the kubeconfig in Secret ${o.namespace}/${name} (spec.kubeConfig.secretRef)`,
  };
}

async function fromConfigMap(
  o: RemoteConfigOptions,
  name: string,
  logIn: LogInToCluster,
): Promise<RemoteConfig> {
  const { client, namespace, user, signal } = o;
  const map = await read(o, 'configMapRef', name);
  const where = `the cluster in ConfigMap ${namespace}/${name} (spec.kubeConfig.configMapRef)`;
  try {
    const login = await logIn({ data: map.data ?? {}, client, namespace, user, signal });
    const { server, ca } = login;
    return {
      version: `${versionOf(map)}/${sha256Hex(JSON.stringify([server, ca]))}`,
      load: () => ({
        server,
        credentials: issuedCredentials((refused) => tokenOf(login, where, refused)),
        tls: () => Promise.resolve({ ca, rejectUnauthorized: true }),
      }),
      where,
    };
  } catch (error) {
    if (error instanceof KubeConfigError) throw unusable(where, error);
    throw error;
  }
}

/** @throws KubeConfigError that says of which cluster it is */
async function tokenOf(
  login: ClusterLogin,
  where: string,
  refused: string | undefined,
): Promise<string> {
  try {
    return await login.token(refused);
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error;
    throw new KubeConfigError(`no token for ${where}: ${error.message}`, { cause: error });
  }
}

function versionOf({ metadata }: KubeObject): string {
  return `${metadata.uid}/${metadata.resourceVersion}`;
}

const kinds = {
  secretRef: { kind: 'Secret', resource: coreResources.secrets },
  configMapRef: { kind: 'ConfigMap', resource: coreResources.configMaps },
};

async function read(
  { client, namespace, signal }: RemoteConfigOptions,
  field: keyof typeof kinds,
  name: string,
): Promise<DataObject> {
  const { kind, resource } = kinds[field];
  try {
    return await client.get<DataObject>(resource, { namespace, name }, { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    const problem = isNotFound(error)
      ? 'does not exist: create it'
      : `cannot be read: ${errorMessage(error)}`;
    throw new RetryableError(
      remoteReason,
      `${kind} ${namespace}/${name}, named by spec.kubeConfig.${field}, ${problem}`,
      { cause: error },
    );
  }
}

function kubeConfigIn(secret: DataObject, key: string | undefined): string {
  const candidates = key ? [key] : ['value', 'value.yaml'];
  const found = candidates.find((candidate) => secret.data?.[candidate] !== undefined);
  if (found !== undefined)
    return Buffer.from(secret.data?.[found] ?? '', 'base64').toString('utf8');
  const { namespace, name } = secret.metadata;
  throw new RetryableError(
    remoteReason,
    `Secret ${namespace}/${name} has no key ${candidates.join(' or ')} with a kubeconfig: add it, or name its key in spec.kubeConfig.secretRef.key`,
  );
}
