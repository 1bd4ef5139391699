import { FlagError, systemClock } from '../base/index.ts';
import type { Dispatcher } from '../net/index.ts';
import type { CloudEnvironment } from './environment.ts';
import { CloudIdentities } from './identities.ts';
import { TokenCache, type TokenCacheMonitor } from './token-cache.ts';

/** Values of the flags that concern identities. */
export interface IdentityFlagValues {
  'token-cache-max-size': number;
  'token-cache-max-duration': number;
  'default-service-account': string;
}

/**
 * Checks that flags and feature gate fit together.
 *
 * @throws FlagError
 */
export function checkIdentityFlags(flags: IdentityFlagValues, isObjectLevel: boolean): void {
  if (flags['default-service-account'] === '' || isObjectLevel) return;
  throw new FlagError(
    '--default-service-account needs --feature-gates=ObjectLevelWorkloadIdentity=true: set that too',
  );
}

/** Makes the logins to clouds that flags and environment describe. */
export function createIdentities(o: {
  flags: IdentityFlagValues;
  isObjectLevel: boolean;
  environment: CloudEnvironment;
  monitor: TokenCacheMonitor;
  /** Of {@link createLocalDispatcher}; closed by the caller. */
  local: Dispatcher;
}): CloudIdentities {
  const { flags, isObjectLevel, environment, monitor, local } = o;
  const clock = systemClock;
  const tokens = new TokenCache({
    maxSize: flags['token-cache-max-size'],
    maxDurationMs: flags['token-cache-max-duration'],
    clock,
    monitor,
  });
  const defaultServiceAccount = flags['default-service-account'];
  return new CloudIdentities({
    environment,
    isObjectLevel,
    defaultServiceAccount,
    tokens,
    local,
    clock,
  });
}
