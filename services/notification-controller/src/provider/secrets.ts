import { SingleFlight } from '@sluice/shared/base';
import { isForbidden, isNotFound, type KubeClient, readConfigData } from '@sluice/shared/kube';

/** The decoded values of a Secret. */
export type SecretData = Record<string, string>;

/** A Secret is not there or may not be read. */
export class SecretUnavailableError extends Error {
  override name = 'SecretUnavailableError';
}

/**
 * Reads a Secret.
 *
 * @throws SecretUnavailableError when it is missing or forbidden; what the client throws when it cannot be read now
 */
export type SecretReader = (namespace: string, name: string) => Promise<SecretData>;

/** Makes a reader that asks the API server each time, so that rotated values are used at once. */
export function createSecretReader(client: KubeClient): SecretReader {
  const running = new SingleFlight<SecretData>();
  return (namespace, name) =>
    running.run(`${namespace}/${name}`, () => readSecret(client, namespace, name));
}

async function readSecret(client: KubeClient, namespace: string, name: string) {
  try {
    return await readConfigData(client, 'Secret', { namespace, name });
  } catch (error) {
    if (isNotFound(error)) {
      throw new SecretUnavailableError(`Secret '${namespace}/${name}' does not exist: create it`);
    }
    if (isForbidden(error)) {
      throw new SecretUnavailableError(
        `Secret '${namespace}/${name}' may not be read: grant get on secrets to the controller`,
      );
    }
    throw error;
  }
}
