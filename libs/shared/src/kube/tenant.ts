import {
  ByteBudget,
  type Clock,
  LruBytes,
  StalledError,
  systemClock,
  type Timer,
} from '@sluice/shared/base';
import { AddressRefusedError, NetworkGuard } from '@sluice/shared/net';
import { tenantLimits } from './answer-limits.ts';
import { KubeConfigError } from './cluster-config.ts';
import { createKubeClient, type KubeClientOptions } from './create-client.ts';
import { serviceAccountIdentity } from './identity.ts';
import { type KubeConfigReference, kubeConfigKey } from './kube-config-reference.ts';
import {
  type ConfigUser,
  type LogInToCluster,
  type RemoteConfig,
  readRemoteConfig,
  remoteReason,
  unusable,
} from './remote-config.ts';
import type { KubeClient } from './types.ts';

export interface TenantOptions {
  /** The controller's own client. */
  client: KubeClient;
  /** Namespace of the object that is reconciled. */
  namespace: string;
  /** `spec.kubeConfig`. */
  kubeConfig?: KubeConfigReference;
  /** `spec.serviceAccountName`. */
  serviceAccountName?: string;
  /** `--default-service-account`. */
  defaultServiceAccount?: string;
  /** The object that is reconciled; for metrics. */
  user?: ConfigUser;
  /** `--insecure-kubeconfig-exec`. */
  insecureExec?: boolean;
  /** `--insecure-kubeconfig-tls`. */
  insecureTls?: boolean;
  signal?: AbortSignal;
  /** Where clients are kept; one cache for each `client` unless told. */
  cache?: TenantClients;
}

export interface TenantClientsOptions {
  /** Clients of other clusters that are kept. Default 100. */
  maxClients?: number;
  /** Identities that are kept for each cluster. Default 1000. */
  maxIdentities?: number;
  /** Milliseconds that a replaced client stays usable for reconciles under way. Default 10 minutes. */
  graceMs?: number;
  clock?: Clock;
  /** Where other clusters may be; the strict defaults when absent. */
  guard?: NetworkGuard;
  /** Logs in by `configMapRef`, which is refused without. */
  logIn?: LogInToCluster;
  /** Options of the clients of other clusters. */
  clientOptions?: Omit<KubeClientOptions, 'guard'>;
}

interface RemoteCluster {
  /** Identifies the state of all that the client was made from. */
  version: string;
  client: KubeClient;
  identities: LruBytes<KubeClient>;
}

/** Keeps the clients of tenants: by identity, and by Secret or ConfigMap and its version. */
export class TenantClients {
  readonly #options: TenantClientsOptions;
  readonly #clock: Clock;
  readonly #guard: NetworkGuard;
  readonly #local: LruBytes<KubeClient>;
  readonly #remote: LruBytes<RemoteCluster>;
  /** What answers of other clusters may hold while they are read. */
  readonly #memory = new ByteBudget({ total: 96 * 2 ** 20, perShare: 48 * 2 ** 20 });
  readonly #open = new Map<KubeClient, Timer | undefined>();

  constructor(options: TenantClientsOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#guard = options.guard ?? new NetworkGuard();
    this.#local = this.#identities();
    this.#remote = new LruBytes(options.maxClients ?? 100, (evicted) => this.#retire(evicted));
  }

  /** Number of clients of other clusters that are open, retired ones included. */
  get open(): number {
    return this.#open.size;
  }

  /** See {@link clientForTenant}. */
  async clientFor(o: TenantOptions): Promise<KubeClient> {
    const account = accountOf(o);
    if (o.kubeConfig === undefined) {
      return account === undefined ? o.client : acting(o.client, this.#local, o.namespace, account);
    }
    const { client, identities } = await this.#remoteFor(o, o.kubeConfig);
    return account === undefined ? client : acting(client, identities, o.namespace, account);
  }

  /** Closes the clients of other clusters. */
  async close(): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    for (const [, timer] of open) timer?.cancel();
    await Promise.all(open.map(([client]) => client.close()));
  }

  async #remoteFor(o: TenantOptions, reference: KubeConfigReference): Promise<RemoteCluster> {
    const config = await readRemoteConfig(o, reference, this.#options.logIn);
    const { version } = config;
    const key = kubeConfigKey(o.namespace, reference);
    const known = this.#remote.get(key);
    if (known?.version === version) return known;
    const client = this.#connect(config, o.namespace);
    const remote = { version, client, identities: this.#identities() };
    if (known !== undefined) this.#retire(known);
    this.#open.set(client, undefined);
    this.#remote.set(key, remote, 1);
    return remote;
  }

  #connect({ load, where }: RemoteConfig, namespace: string): KubeClient {
    try {
      const config = load();
      this.#guard.check(new URL(config.server).hostname);
      const limits = { ...tenantLimits, memory: { budget: this.#memory, share: namespace } };
      return createKubeClient(config, {
        limits,
        ...this.#options.clientOptions,
        guard: this.#guard,
      });
    } catch (error) {
      if (error instanceof AddressRefusedError) throw unusable(where, error, 'server: ');
      if (error instanceof KubeConfigError) throw unusable(where, error);
      throw error;
    }
  }

  #identities(): LruBytes<KubeClient> {
    return new LruBytes(this.#options.maxIdentities ?? 1000);
  }

  #retire({ client }: RemoteCluster): void {
    const close = () => {
      this.#open.delete(client);
      // Closing only drops connections; there is nobody left to tell about a failure.
      client.close().catch(() => {});
    };
    this.#open.set(client, this.#clock.setTimer(close, this.#options.graceMs ?? 600_000));
  }
}

const caches = new WeakMap<KubeClient, TenantClients>();

/**
 * Returns the client to reconcile an object with: for the cluster of `spec.kubeConfig` or the own one, as
 * `spec.serviceAccountName` or the default account, or as the controller when there is neither. As in Flux, the account
 * is one of the object's namespace, on whichever cluster.
 *
 * @throws StalledError when the spec has to change, RetryableError when the Secret or ConfigMap is missing or cannot be
 * used; both with reason `ReconciliationFailed`
 * @see https://fluxcd.io/flux/components/kustomize/kustomizations/#kubeconfig-remote-clusters
 */
export function clientForTenant(o: TenantOptions): Promise<KubeClient> {
  const cache = o.cache ?? caches.get(o.client) ?? new TenantClients();
  if (o.cache === undefined) caches.set(o.client, cache);
  return cache.clientFor(o);
}

/** Account names are DNS subdomains; anything else could name another user. */
const accountPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function accountOf(o: TenantOptions): string | undefined {
  const account = o.serviceAccountName || o.defaultServiceAccount || undefined;
  if (account === undefined || accountPattern.test(account)) return account;
  const field = o.serviceAccountName ? 'spec.serviceAccountName' : '--default-service-account';
  throw new StalledError(
    remoteReason,
    `${field} '${account}' is no name of a ServiceAccount: correct it`,
  );
}

function acting(
  client: KubeClient,
  known: LruBytes<KubeClient>,
  namespace: string,
  account: string,
): KubeClient {
  const key = `${namespace}/${account}`;
  const existing = known.get(key);
  if (existing !== undefined) return existing;
  const created = client.impersonate(serviceAccountIdentity(namespace, account));
  known.set(key, created, 1);
  return created;
}
