import { RetryableError } from '@sluice/shared/base';
import {
  DockerConfigError,
  findLogin,
  type RegistryLogin,
} from '../adapters/registry/docker-config.ts';
import { authenticationFailedReason } from './names.ts';
import type { SecretData } from './secrets.ts';

/** Key of a Secret of type kubernetes.io/dockerconfigjson. */
export const dockerConfigKey = '.dockerconfigjson';

/**
 * Finds the login for a registry in a Secret of type kubernetes.io/dockerconfigjson.
 *
 * @param host host and port of the registry
 * @returns undefined when it has none for this registry
 * @throws RetryableError `AuthenticationFailed` when it holds no Docker configuration
 */
export function loginFrom({ id, values }: SecretData, host: string): RegistryLogin | undefined {
  const config = values[dockerConfigKey];
  if (config === undefined) {
    throw new RetryableError(
      authenticationFailedReason,
      `secret '${id}' must be of type kubernetes.io/dockerconfigjson and hold ${dockerConfigKey}`,
    );
  }
  try {
    return findLogin(config, host);
  } catch (cause) {
    if (!(cause instanceof DockerConfigError)) throw cause;
    throw new RetryableError(authenticationFailedReason, `secret '${id}': ${cause.message}`, {
      cause,
    });
  }
}
