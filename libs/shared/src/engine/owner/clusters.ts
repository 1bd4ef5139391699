import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import {
  type ApiResource,
  clientForTenant,
  coreResources,
  isNotFound,
  type KubeClient,
  type KubeConfigReference,
  keyOf,
  kubeConfigKey,
  readConfigData,
  type TenantClients,
} from '@sluice/shared/kube';
import type { ApplierIdentity } from './applier-identity.ts';
import { AwaitedKinds } from './awaited-kinds.ts';
import { type ChangeListener, Cluster, type Inventories } from './cluster.ts';
import { createLiveObjects } from './live-objects.ts';
import { type NamedNews, NamedWatches } from './named-watches.ts';
import type { OwnedObjects } from './owned-objects.ts';
import { TenantWatches } from './tenant-watches.ts';

/** The cluster to act on, and the identity to act as. */
export interface Target {
  client: KubeClient;
  cluster: Cluster;
  /** What the applier may know of its objects without asking as itself. */
  live: OwnedObjects;
}

/** An object that applies others, as far as the choice of cluster and identity goes. */
export interface Applier extends KubeObject {
  spec: { kubeConfig?: KubeConfigReference; serviceAccountName?: string };
}

/** Names the cluster that an applier acts on; the empty string is the one that we run in. */
export function clusterKeyOf({ metadata, spec }: Applier): string {
  return spec.kubeConfig === undefined
    ? ''
    : kubeConfigKey(metadata.namespace ?? '', spec.kubeConfig);
}

/** How to create {@link Clusters}. */
export interface ClustersOptions {
  /** Our own client of the cluster we run in. */
  client: KubeClient;
  tenants: TenantClients;
  /** As what the objects are applied. */
  identity: ApplierIdentity;
  /** Says what each applier has. */
  inventories: Inventories;
  /** `--default-service-account`; empty for none. */
  defaultServiceAccount: string;
  /** `--default-kubeconfig-service-account`; empty for none. */
  defaultKubeConfigServiceAccount: string;
  insecureExec: boolean;
  insecureTls: boolean;
  logger: Logger;
}

/**
 * The clusters that objects are applied to. All appliers of one cluster share its watches, which run under the
 * controller's identity, or that of the kubeconfig, and only ever show an applier what it has applied itself. What that
 * identity may not watch, an applier watches as its own, as far as it goes.
 */
export class Clusters {
  readonly #options: ClustersOptions;
  readonly #listeners: ChangeListener[] = [];
  readonly #kindListeners: ((owner: string) => void)[] = [];
  readonly #namedListeners: ((news: NamedNews) => void)[] = [];
  readonly #local: Cluster;
  readonly #remote = new Map<string, { client: KubeClient; cluster: Cluster }>();

  constructor(options: ClustersOptions) {
    this.#options = options;
    this.#local = this.#create(options.client);
  }

  /** Calls the listener with the changes in all clusters, those that are added later included. */
  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  /** Calls the listener with each owner one of whose awaited kinds is served now. */
  onServed(listener: (owner: string) => void): void {
    this.#kindListeners.push(listener);
  }

  /** Calls the listener with news of what owners watch by name, in all clusters. */
  onNamed(listener: (news: NamedNews) => void): void {
    this.#namedListeners.push(listener);
  }

  /**
   * Finds the cluster to act on and the identity to act as: spec.kubeConfig, spec.serviceAccountName and the defaults.
   *
   * @throws StalledError, RetryableError `ReconciliationFailed` when they cannot be used
   */
  async targetOf(object: Applier, signal?: AbortSignal): Promise<Target> {
    const client = await this.#clientOf(object, object.spec.kubeConfig, signal);
    const cluster = await this.#clusterOf(object);
    const owner = keyOf(object);
    for (const other of this.#all()) if (other !== cluster) other.release(owner);
    return { client, cluster, live: cluster.liveOf(object.metadata, client) };
  }

  /**
   * Returns the client that acts as the object's account in the cluster that we run in, wherever the object applies.
   *
   * @throws StalledError `ReconciliationFailed` when there can be no such account
   */
  localClientOf(object: Applier, signal?: AbortSignal): Promise<KubeClient> {
    return this.#clientOf(object, undefined, signal);
  }

  /** Says what is missing to act as the object's tenant; undefined when nothing is. */
  async missingIdentity(object: Applier): Promise<string | undefined> {
    const { kubeConfig, serviceAccountName } = object.spec;
    const { namespace = '' } = object.metadata;
    if (kubeConfig !== undefined) return this.#missingLogin(namespace, kubeConfig);
    return this.#missingAccount(
      namespace,
      serviceAccountName || this.#options.defaultServiceAccount,
    );
  }

  /** Forgets what was applied for an owner, wherever. */
  forget(owner: string): void {
    for (const cluster of this.#all()) cluster.forget(owner);
  }

  /** Ends what an owner watches by name, wherever. */
  releaseNamed(owner: string): void {
    for (const { named } of this.#all()) named.watch(owner, []);
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    await Promise.all(this.#all().map((cluster) => cluster.stop()));
  }

  #all(): Cluster[] {
    return [this.#local, ...[...this.#remote.values()].map(({ cluster }) => cluster)];
  }

  #clientOf(
    object: Applier,
    kubeConfig: KubeConfigReference | undefined,
    signal: AbortSignal | undefined,
  ): Promise<KubeClient> {
    const o = this.#options;
    const { namespace = '', name } = object.metadata;
    return clientForTenant({
      client: o.client,
      namespace,
      user: { kind: object.kind, namespace, name },
      kubeConfig,
      serviceAccountName: object.spec.serviceAccountName,
      defaultServiceAccount: o.defaultServiceAccount || undefined,
      insecureExec: o.insecureExec,
      insecureTls: o.insecureTls,
      signal,
      cache: o.tenants,
    });
  }

  async #missingLogin(
    namespace: string,
    { secretRef, configMapRef }: KubeConfigReference,
  ): Promise<string | undefined> {
    if (configMapRef === undefined) {
      const name = secretRef?.name;
      if (name === undefined || (await this.#exists(coreResources.secrets, { namespace, name })))
        return undefined;
      return `the kubeconfig Secret '${name}' is gone`;
    }
    const { client, defaultKubeConfigServiceAccount } = this.#options;
    const { name } = configMapRef;
    try {
      const data = await readConfigData(client, 'ConfigMap', { namespace, name });
      const account = data['serviceAccountName'] || defaultKubeConfigServiceAccount;
      return await this.#missingAccount(namespace, account);
    } catch (error) {
      if (isNotFound(error)) return `the kubeconfig ConfigMap '${name}' is gone`;
      throw error;
    }
  }

  async #missingAccount(namespace: string, name: string): Promise<string | undefined> {
    if (!name || (await this.#exists(coreResources.serviceAccounts, { namespace, name })))
      return undefined;
    return `the ServiceAccount '${name}' is gone`;
  }

  async #exists(resource: ApiResource, key: { namespace: string | undefined; name: string }) {
    try {
      await this.#options.client.get(resource, key, { metadataOnly: true });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #clusterOf(object: Applier): Promise<Cluster> {
    const { kubeConfig } = object.spec;
    if (kubeConfig === undefined) return this.#local;
    const namespace = object.metadata.namespace ?? '';
    const { client, tenants, insecureExec, insecureTls } = this.#options;
    const remote = await clientForTenant({
      client,
      namespace,
      kubeConfig,
      insecureExec,
      insecureTls,
      cache: tenants,
    });
    const key = clusterKeyOf(object);
    const known = this.#remote.get(key);
    if (known?.client === remote) return known.cluster;
    if (known !== undefined) this.#stop(known.cluster);
    const cluster = this.#create(remote);
    this.#remote.set(key, { client: remote, cluster });
    return cluster;
  }

  #create(client: KubeClient): Cluster {
    const { identity, inventories, logger } = this.#options;
    const labelSelector = identity.nameLabel;
    const live = createLiveObjects({ client, labelSelector, identity, logger });
    const kinds = new AwaitedKinds({
      client,
      logger,
      onServed: (owner) => {
        for (const listener of this.#kindListeners) listener(owner);
      },
    });
    const tenants = new TenantWatches({ labelSelector, identity, logger });
    const named = new NamedWatches({ logger });
    named.onNews((news) => {
      for (const listener of this.#namedListeners) listener(news);
    });
    const cluster = new Cluster({ live, tenants, identity, inventories, kinds, named });
    cluster.onChange((owner, change) => {
      for (const listener of this.#listeners) listener(owner, change, cluster);
    });
    return cluster;
  }

  #stop(cluster: Cluster): void {
    cluster.stop().catch((error: unknown) => {
      this.#options.logger.error({ error: errorMessage(error) }, 'Watches did not stop');
    });
  }
}
