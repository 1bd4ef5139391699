import type { FluxEvent, KubeObject } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import {
  gvkOf,
  isForbidden,
  isNotFound,
  type KubeClient,
  NoKindMatchError,
} from '@sluice/shared/kube';

/**
 * Makes the function that reads the labels of the object an event is about. It returns undefined when the object
 * is gone or may not be read.
 *
 * @returns a function that throws when the API server cannot answer now
 */
export function labelReader(client: KubeClient, logger: Logger) {
  return async (event: FluxEvent): Promise<Record<string, string> | undefined> => {
    const { apiVersion = '', kind, namespace, name } = event.involvedObject;
    try {
      const resource = await client.mapper.resourceFor(gvkOf({ apiVersion, kind }));
      const object = await client.get<KubeObject>(
        resource,
        { namespace, name },
        { metadataOnly: true },
      );
      return object.metadata.labels ?? {};
    } catch (error) {
      const isFinal = isNotFound(error) || isForbidden(error) || error instanceof NoKindMatchError;
      if (!isFinal) throw error;
      logger.warn(
        { error: errorMessage(error), kind, namespace, name },
        'The labels of an object are unknown, alerts that select by labels do not see its event',
      );
      return undefined;
    }
  };
}
