import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import {
  type Cluster,
  newClusters,
  newUsers,
  type User,
} from '@kubernetes/client-node/dist/config_types.js';
import { errorMessage, parseYamlStream, YamlError } from '@sluice/shared/base';
import { type ClusterConfig, KubeConfigError, type TlsMaterial } from './cluster-config.ts';
import {
  type ExecCredentials,
  execCredentials,
  fixedCredentials,
  tokenFileCredentials,
} from './credentials.ts';
import { checkCluster, checkUser, type RawEntry } from './kube-config-check.ts';
import type { Identity } from './types.ts';

export interface LoadKubeConfigOptions {
  /** A kubeconfig file. */
  path?: string;
  /** Context to use instead of the current one. */
  context?: string;
  /** The text of a kubeconfig, for instance from a Secret. It must not refer to files. */
  content?: string;
  /** Lets the kubeconfig start credential plugins. */
  insecureExec?: boolean;
  /** Lets the kubeconfig switch off the verification of the server, or use plain HTTP. */
  insecureTls?: boolean;
  /** The environment that names a kubeconfig or the cluster around the pod; the process's unless told. */
  env?: Record<string, string | undefined>;
  /** Where a pod finds its account's token. */
  serviceAccountDir?: string;
}

/**
 * Says how to reach the API server: `content`, else `path`, else the first file of `KUBECONFIG`, else the cluster
 * around the pod, else `~/.kube/config`.
 *
 * @throws KubeConfigError when nothing is found or the kubeconfig cannot be used; names the field, never its value
 * @see https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */
export function loadKubeConfig(o: LoadKubeConfigOptions = {}): ClusterConfig {
  if (o.content !== undefined) return fromText(o.content, undefined, o);
  const env = o.env ?? process.env;
  const named = o.path || env['KUBECONFIG']?.split(delimiter).find((path) => path !== '');
  if (named) return fromFile(named, o);
  if (env['KUBERNETES_SERVICE_HOST']) return inCluster(env, o.serviceAccountDir);
  const fallback = join(env['HOME'] ?? homedir(), '.kube', 'config');
  if (existsSync(fallback)) return fromFile(fallback, o);
  throw new KubeConfigError(
    'no kubeconfig: name one with --kubeconfig or KUBECONFIG, or run inside a pod with a service account',
  );
}

/**
 * Finds out where a kubeconfig leads, whoever its user is.
 *
 * @param content of a kubeconfig; it must not refer to files
 * @returns the address, and the authorities in base64
 * @throws KubeConfigError as {@link loadKubeConfig}
 */
export function clusterOfKubeConfig(content: string): { server: string; caData?: string } {
  const raw = parse(content);
  const { rawCluster } = currentOf(raw, undefined);
  checkCluster(rawCluster, { files: false });
  const [{ server, caData }] = newClusters([rawCluster]) as [Cluster];
  return { server, caData };
}

function inCluster(
  env: Record<string, string | undefined>,
  dir = '/var/run/secrets/kubernetes.io/serviceaccount',
): ClusterConfig {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const address = host.includes(':') ? `[${host}]` : host;
  const namespaceFile = join(dir, 'namespace');
  return {
    server: `https://${address}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`,
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : undefined,
    credentials: tokenFileCredentials(join(dir, 'token')),
    tls: async () => ({
      ca: await readFile(join(dir, 'ca.crt'), 'utf8'),
      rejectUnauthorized: true,
    }),
  };
}

function fromFile(path: string, o: LoadKubeConfigOptions): ClusterConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new KubeConfigError(`cannot read the kubeconfig: ${errorMessage(error)}`);
  }
  return fromText(text, dirname(resolve(path)), o);
}

interface RawConfig {
  'current-context'?: string;
  contexts?: (RawEntry & { context?: { cluster?: string; user?: string; namespace?: string } })[];
  clusters?: RawEntry[];
  users?: RawEntry[];
}

const fileName = 'the kubeconfig';

function parse(text: string): RawConfig {
  try {
    const [config] = parseYamlStream(text, fileName);
    if (typeof config === 'object' && config !== null) return config;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const line = error.line === undefined ? '' : ` at line ${error.line}`;
    const why = error.message.replace(/^the kubeconfig(:\d+)?: /, '');
    throw new KubeConfigError(`the kubeconfig is no valid YAML${line}: ${why}`);
  }
  throw new KubeConfigError('the kubeconfig is no YAML mapping');
}

function find<T extends RawEntry>(list: T[] | undefined, field: string, name: string): T {
  const entry = Array.isArray(list)
    ? list.find((candidate) => candidate?.name === name)
    : undefined;
  if (entry === undefined)
    throw new KubeConfigError(`the kubeconfig has no entry ${name} in ${field}`);
  return entry;
}

function currentOf(raw: RawConfig, name: string | undefined) {
  const contextName = name || raw['current-context'];
  if (!contextName) throw new KubeConfigError('the kubeconfig has no current-context: set it');
  const { context = {} } = find(raw.contexts, 'contexts', contextName);
  return { context, rawCluster: find(raw.clusters, 'clusters', context.cluster ?? '') };
}

/** `dir` is the folder that relative paths start from; without one, paths are refused. */
function fromText(text: string, dir: string | undefined, o: LoadKubeConfigOptions): ClusterConfig {
  const raw = parse(text);
  const { context, rawCluster } = currentOf(raw, o.context);
  const rawUser = context.user ? find(raw.users, 'users', context.user) : { name: '' };
  const checks = { files: dir !== undefined, exec: o.insecureExec, insecureTls: o.insecureTls };
  checkCluster(rawCluster, checks);
  checkUser(rawUser, checks);
  const [cluster] = newClusters([rawCluster]) as [Cluster];
  const [user] = context.user ? (newUsers([rawUser]) as [User]) : [{ name: '' }];
  const at = (path: unknown) => resolve(dir ?? '', String(path));
  const exec = user.exec ? execCredentials(prepareExec(user, cluster, at)) : undefined;
  return {
    server: cluster.server,
    namespace: context.namespace,
    impersonate: impersonation(user, rawUser),
    credentials: exec ?? staticCredentials(user, rawUser, at),
    tls: () => tlsMaterial({ cluster, user, at, exec }),
  };
}

function impersonation(user: User, raw: RawEntry): Identity | undefined {
  if (!user.impersonateUser) return undefined;
  const groups = raw.user?.['as-groups'];
  return {
    user: user.impersonateUser,
    ...(Array.isArray(groups) && { groups: groups.map(String) }),
  };
}

type PathResolver = (path: unknown) => string;

function staticCredentials(user: User, raw: RawEntry, at: PathResolver) {
  const tokenFile = raw.user?.['tokenFile'];
  if (tokenFile) return tokenFileCredentials(at(tokenFile));
  if (user.token) return fixedCredentials({ authorization: `Bearer ${user.token.trim()}` });
  if (!user.username) return fixedCredentials({});
  const basic = Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
  return fixedCredentials({ authorization: `Basic ${basic}` });
}

/** Adds what the plugin protocol wants in the environment, and finds a command relative to the kubeconfig. */
function prepareExec(user: User, cluster: Cluster, at: PathResolver): User {
  const { command, env, apiVersion, provideClusterInfo } = user.exec;
  const info = {
    apiVersion: apiVersion ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(provideClusterInfo && {
        cluster: { server: cluster.server, 'certificate-authority-data': cluster.caData },
      }),
    },
  };
  const exec = {
    ...user.exec,
    command: String(command).includes('/') ? at(command) : command,
    env: [...(env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }],
  };
  return { ...user, exec };
}

async function tlsMaterial(o: {
  cluster: Cluster;
  user: User;
  at: PathResolver;
  exec?: ExecCredentials;
}): Promise<TlsMaterial> {
  const { cluster, user, at } = o;
  const pem = async (data?: string, file?: string) => {
    if (data) return Buffer.from(data, 'base64').toString('utf8');
    return file ? readFile(at(file), 'utf8') : undefined;
  };
  const issued = await o.exec?.certificate();
  return {
    ca: await pem(cluster.caData, cluster.caFile),
    cert: issued?.cert ?? (await pem(user.certData, user.certFile)),
    key: issued?.key ?? (await pem(user.keyData, user.keyFile)),
    servername: cluster.tlsServerName,
    rejectUnauthorized: !cluster.skipTLSVerify,
  };
}
