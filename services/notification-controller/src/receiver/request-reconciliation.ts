import { type KubeObject, type Receiver, sourceGroup } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
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

const defaultApiVersions: Record<string, string> = {
  Bucket: `${sourceGroup}/v1`,
  HelmChart: `${sourceGroup}/v1`,
  HelmRepository: `${sourceGroup}/v1`,
  GitRepository: `${sourceGroup}/v1`,
  OCIRepository: `${sourceGroup}/v1`,
  ImageRepository: 'image.toolkit.fluxcd.io/v1',
  ArtifactGenerator: 'source.extensions.fluxcd.io/v1beta1',
};

/** An object that a Receiver names. */
export interface Target {
  resource: ApiResource;
  namespace: string;
  name: string;
  /** When it was read already. */
  metadata?: KubeObject['metadata'];
}

/**
 * Finds the objects that one entry of a Receiver's resources names.
 *
 * @throws UnusableReferenceError when the entry is not usable; what the API server answers when it refuses
 */
export async function targetsOf(
  reference: ResourceReference,
  receiver: Receiver,
  context: RequestContext,
): Promise<Target[]> {
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
  if (reference.name !== '*') return [{ resource, namespace, name: reference.name }];
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
  return items.map(({ metadata }) => ({ resource, namespace, name: metadata.name, metadata }));
}

/**
 * Reads the metadata of an object for the filters of a Receiver, unless they are known.
 *
 * @throws what the API server answers when it refuses, such as 404 when there is no such object
 */
export async function metadataOf(
  { resource, namespace, name, metadata }: Target,
  { client }: RequestContext,
): Promise<KubeObject> {
  const read = () => client.get<KubeObject>(resource, { namespace, name }, { metadataOnly: true });
  const { group, version, kind } = resource;
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
    metadata: metadata ?? (await read()).metadata,
  };
}

/**
 * Reads an object whole.
 *
 * @throws what the API server answers when it refuses, such as 404 when there is no such object
 */
export function objectOf(
  { resource, namespace, name }: Target,
  { client }: RequestContext,
): Promise<KubeObject> {
  return client.get<KubeObject>(resource, { namespace, name });
}

/**
 * Asks for the reconciliation of an object.
 *
 * @throws what the API server answers when it refuses, such as 404 when there is no such object
 */
export async function requestReconciliation(
  { resource, namespace, name }: Target,
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
