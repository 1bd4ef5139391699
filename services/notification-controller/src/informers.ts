import {
  type Alert,
  alertKind,
  type KindDefinition,
  type KubeObject,
  type Provider,
  providerKind,
  type Receiver,
  receiverKind,
  wrongFieldOf,
} from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import {
  coreResources,
  createInformer,
  type Informer,
  type KubeClient,
  resourceOf,
  type WatchMonitor,
} from '@sluice/shared/kube';
import { letGo } from '@sluice/shared/runtime';

/** The objects that notification-controller works with. */
export interface Informers {
  alerts: Informer<Alert>;
  providers: Informer<Provider>;
  receivers: Informer<Receiver>;
  /** Metadata of the Secrets whose changes are followed at once. */
  secrets: Informer<KubeObject>;
  all: Informer<KubeObject>[];
}

/** Indexes of the receivers. */
export const byWebhookPath = 'webhookPath';
export const bySecret = 'secret';

/**
 * Creates the informers; they begin with `start`.
 *
 * @param o `namespace` limits them to one; `secretSelector` chooses Secrets by label
 */
export function createInformers(o: {
  client: KubeClient;
  namespace?: string;
  secretSelector: string;
  controllerName: string;
  logger: Logger;
  monitor?: WatchMonitor;
}): Informers {
  const { client, namespace, logger, monitor } = o;
  const common = { client, namespace, logger, monitor };
  const alerts = createInformer<Alert>({ ...common, ...ofKind(alertKind) });
  const providers = createInformer<Provider>({ ...common, ...ofKind(providerKind) });
  const receivers = createInformer<Receiver>({
    ...common,
    ...ofKind(receiverKind),
    indexes: {
      [byWebhookPath]: ({ status }) => (status?.webhookPath ? [status.webhookPath] : []),
      [bySecret]: ({ metadata, spec }) =>
        spec.secretRef ? [`${metadata.namespace}/${spec.secretRef.name}`] : [],
    },
  });
  const secrets = createInformer<KubeObject>({
    ...common,
    resource: coreResources.secrets,
    labelSelector: o.secretSelector,
    metadataOnly: true,
    optional: true,
  });
  logChanges(alerts, logger);
  logChanges(providers, logger);
  const { controllerName } = o;
  letGo(alerts, { client, kind: alertKind, controllerName, logger });
  letGo(providers, { client, kind: providerKind, controllerName, logger });
  const all = [alerts, providers, receivers, secrets] as Informer<KubeObject>[];
  return { alerts, providers, receivers, secrets, all };
}

function ofKind<T extends KubeObject>(kind: KindDefinition<T>) {
  const definition = kind as KindDefinition;
  return {
    resource: resourceOf(definition),
    check: (object: T) => wrongFieldOf(definition, object),
  };
}

/** What is in effect from when on, for who wonders why an event went where it did. */
function logChanges<T extends KubeObject>(informer: Informer<T>, logger: Logger): void {
  informer.onEvent(({ type, object }) => {
    const { name, namespace } = object.metadata;
    logger.debug({ controllerKind: object.kind, name, namespace, change: type }, 'Object changed');
  });
}
