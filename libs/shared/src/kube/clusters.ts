import { type Kustomization, kustomizationNameLabel } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import {
  AppliedState,
  clientForTenant,
  createLiveObjects,
  type KubeClient,
  type LiveChange,
  type LiveObjects,
  type TenantClients,
} from '@sluice/shared/kube';

/** A cluster that objects are applied to, and what is known of the objects there. */
export interface Cluster {
  live: LiveObjects;
  applied: AppliedState;
}

/** Called with each change of an object that a Kustomization owns. */
export type ChangeListener = (change: LiveChange, cluster: Cluster) => void;

/** How to create {@link Clusters}. */
export interface ClustersOptions {
  /** Our own client of the cluster we run in. */
  client: KubeClient;
  tenants: TenantClients;
  overrideManagers: string[];
  insecureExec: boolean;
  insecureTls: boolean;
  fieldManager: string;
  logger: Logger;
}

/**
 * The clusters that objects are applied to. All Kustomizations of one cluster share its watches, which run under the
 * controller's identity, or that of the kubeconfig, and only ever show a Kustomization what it has applied itself.
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
   * Returns the cluster of a Kustomization.
   *
   * @throws StalledError, RetryableError `ReconciliationFailed` when its kubeconfig cannot be used
   */
  async clusterOf(object: Kustomization): Promise<Cluster> {
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

  /** Forgets what was applied for a Kustomization, wherever. */
  forget(owner: string): void {
    this.#local.applied.forget(owner);
    for (const { cluster } of this.#remote.values()) cluster.applied.forget(owner);
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    const clusters = [this.#local, ...[...this.#remote.values()].map(({ cluster }) => cluster)];
    await Promise.all(clusters.map(({ live }) => live.stop()));
  }

  #create(client: KubeClient): Cluster {
    const { overrideManagers, fieldManager, logger } = this.#options;
    const cluster: Cluster = {
      live: createLiveObjects({
        client,
        labelSelector: kustomizationNameLabel,
        fieldManager,
        overrideManagers,
        logger,
      }),
      applied: new AppliedState({ fieldManager, overrideManagers }),
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
