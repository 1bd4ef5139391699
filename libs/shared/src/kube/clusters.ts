import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import { isNotFound } from './api-error.ts';
import { AppliedState } from './applied-state.ts';
import { createLiveObjects } from './live-objects.ts';
import type { LiveChange, LiveObjects } from './live-types.ts';
import { type ApiResource, coreResources } from './resource.ts';
import { clientForTenant, type KubeConfigReference, type TenantClients } from './tenant.ts';
import type { KubeClient } from './types.ts';

/** A cluster that objects are applied to, and what is known of the objects there. */
export interface Cluster {
  live: LiveObjects;
  applied: AppliedState;
}

/** The cluster to act on, and the identity to act as. */
export interface Target {
  client: KubeClient;
  cluster: Cluster;
}

/** An object that applies others, as far as the choice of cluster and identity goes. */
export interface Applier extends KubeObject {
  spec: { kubeConfig?: KubeConfigReference; serviceAccountName?: string };
}

/** Called with each change of an object that carries an owner's label. */
export type ChangeListener = (change: LiveChange, cluster: Cluster) => void;

/** How to create {@link Clusters}. */
export interface ClustersOptions {
  /** Our own client of the cluster we run in. */
  client: KubeClient;
  tenants: TenantClients;
  /** Label of the objects to watch. */
  ownerLabel: string;
  /** Prefix of the annotations that exempt objects. */
  annotationPrefix: string;
  fieldManager: string;
  /** Starts of the names of managers whose fields are taken over. */
  overrideManagers: readonly string[];
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
 * controller's identity, or that of the kubeconfig, and only ever show an applier what it has applied itself.
 */
export class Clusters {
  readonly #options: ClustersOptions;
  readonly #listeners: ChangeListener[] = [];
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

  /**
   * Finds the cluster to act on and the identity to act as: spec.kubeConfig, spec.serviceAccountName and the defaults.
   *
   * @throws StalledError, RetryableError `ReconciliationFailed` when they cannot be used
   */
  async targetOf(object: Applier, signal?: AbortSignal): Promise<Target> {
    const o = this.#options;
    const client = await clientForTenant({
      client: o.client,
      namespace: object.metadata.namespace ?? '',
      kubeConfig: object.spec.kubeConfig,
      serviceAccountName: object.spec.serviceAccountName,
      defaultServiceAccount: o.defaultServiceAccount || undefined,
      defaultKubeConfigServiceAccount: o.defaultKubeConfigServiceAccount || undefined,
      insecureExec: o.insecureExec,
      insecureTls: o.insecureTls,
      signal,
      cache: o.tenants,
    });
    return { client, cluster: await this.#clusterOf(object) };
  }

  /** Says what is missing to act as the object's tenant; undefined when nothing is. */
  async missingIdentity(object: Applier): Promise<string | undefined> {
    const { kubeConfig, serviceAccountName } = object.spec;
    const { namespace } = object.metadata;
    if (kubeConfig !== undefined) {
      const name = kubeConfig.secretRef?.name;
      if (name === undefined || (await this.#exists(coreResources.secrets, { namespace, name })))
        return undefined;
      return `the kubeconfig Secret '${name}' is gone`;
    }
    const name = serviceAccountName || this.#options.defaultServiceAccount;
    if (!name || (await this.#exists(coreResources.serviceAccounts, { namespace, name })))
      return undefined;
    return `the ServiceAccount '${name}' is gone`;
  }

  /** Forgets what was applied for an owner, wherever. */
  forget(owner: string): void {
    this.#local.applied.forget(owner);
    for (const { cluster } of this.#remote.values()) cluster.applied.forget(owner);
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    const clusters = [this.#local, ...[...this.#remote.values()].map(({ cluster }) => cluster)];
    await Promise.all(clusters.map(({ live }) => live.stop()));
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
    const key = `${namespace}/${kubeConfig.secretRef?.name}/${kubeConfig.secretRef?.key ?? ''}`;
    const known = this.#remote.get(key);
    if (known?.client === remote) return known.cluster;
    if (known !== undefined) this.#stop(known.cluster);
    const cluster = this.#create(remote);
    this.#remote.set(key, { client: remote, cluster });
    return cluster;
  }

  #create(client: KubeClient): Cluster {
    const { ownerLabel, overrideManagers, fieldManager, annotationPrefix, logger } = this.#options;
    const cluster: Cluster = {
      live: createLiveObjects({
        client,
        labelSelector: ownerLabel,
        fieldManager,
        overrideManagers,
        logger,
      }),
      applied: new AppliedState({ fieldManager, annotationPrefix, overrideManagers }),
    };
    cluster.live.onChange((change) => {
      for (const listener of this.#listeners) listener(change, cluster);
    });
    return cluster;
  }

  #stop({ live }: Cluster): void {
    live.stop().catch((error: unknown) => {
      this.#options.logger.error({ error: errorMessage(error) }, 'Watches did not stop');
    });
  }
}
