import type { KubeObject } from '@sluice/shared/api';
import { SingleFlight } from '@sluice/shared/base';
import { coreResources, isForbidden, isNotFound, type KubeClient } from '@sluice/shared/kube';

interface Secret extends KubeObject {
  data?: Record<string, string>;
}

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
    const secret = await client.get<Secret>(coreResources.secrets, { namespace, name });
    return Object.fromEntries(
      Object.entries(secret.data ?? {}).map(([key, value]) => [
        key,
        Buffer.from(value, 'base64').toString('utf8'),
      ]),
    );
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
