import { type KubeObject, type Receiver, sourceGroup } from '@sluice/shared/api';
import { type Logger, mapConcurrently } from '@sluice/shared/base';
import { type ApiResource, gvkOf, type KubeClient } from '@sluice/shared/kube';
import { requestAnnotations } from '@sluice/shared/runtime';

type ResourceReference = Receiver['spec']['resources'][number];

/** A reference of a Receiver cannot be followed. */
export class UnusableReferenceError extends Error {
  override name = 'UnusableReferenceError';
}

export interface RequestContext {
  client: KubeClient;
  controllerName: string;
  noCrossNamespaceRefs: boolean;
  logger: Logger;
}

const atOnce = 16;

const defaultApiVersions: Record<string, string> = {
  Bucket: `${sourceGroup}/v1`,
  HelmChart: `${sourceGroup}/v1`,
  HelmRepository: `${sourceGroup}/v1`,
  GitRepository: `${sourceGroup}/v1`,
  OCIRepository: `${sourceGroup}/v1`,
  ImageRepository: 'image.toolkit.fluxcd.io/v1',
  ArtifactGenerator: 'source.extensions.fluxcd.io/v1beta1',
};

/**
 * Asks for a reconciliation of the objects that one entry of a Receiver's resources names.
 *
 * @throws UnusableReferenceError when the entry is not usable; what the API server answers when it refuses
 */
export async function requestReconciliation(
  reference: ResourceReference,
  receiver: Receiver,
  context: RequestContext,
): Promise<void> {
  const own = receiver.metadata.namespace ?? '';
  const namespace = reference.namespace || own;
  if (context.noCrossNamespaceRefs && namespace !== own) {
    throw new UnusableReferenceError(
      `namespace '${namespace}' is another one, and --no-cross-namespace-refs forbids those`,
    );
  }
  const apiVersion = reference.apiVersion || defaultApiVersions[reference.kind];
  if (!apiVersion) throw new UnusableReferenceError(`kind '${reference.kind}' needs an apiVersion`);
  const resource = await context.client.mapper.resourceFor(
    gvkOf({ apiVersion, kind: reference.kind }),
  );
  if (reference.name !== '*') return annotate(resource, namespace, reference.name, context);
  if (reference.matchLabels === undefined) {
    throw new UnusableReferenceError("name '*' needs matchLabels");
  }
  const labelSelector = Object.entries(reference.matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const { items } = await context.client.list<KubeObject>(resource, {
    namespace,
    labelSelector,
    metadataOnly: true,
  });
  if (items.length === 0) {
    context.logger.info(
      { kind: reference.kind, namespace, labelSelector },
      'No object is selected',
    );
  }
  await mapConcurrently(items, atOnce, (item) =>
    annotate(resource, namespace, item.metadata.name, context),
  );
}

/** The API server answers 404 to a patch of an object that does not exist. */
async function annotate(
  resource: ApiResource,
  namespace: string,
  name: string,
  { client, controllerName, logger }: RequestContext,
): Promise<void> {
  const annotations = requestAnnotations(new Date().toISOString());
  await client.patch(
    resource,
    { namespace, name },
    { metadata: { annotations } },
    { type: 'merge', fieldManager: controllerName },
  );
  logger.info({ kind: resource.kind, object: `${namespace}/${name}` }, 'Reconciliation requested');
}
