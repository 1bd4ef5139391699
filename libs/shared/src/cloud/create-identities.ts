import { FlagError, systemClock } from '../base/index.ts';
import type { Dispatcher } from '../net/index.ts';
import type { CloudEnvironment } from './environment.ts';
import { CloudIdentities } from './identities.ts';
import { TokenCache, type TokenCacheMonitor } from './token-cache.ts';

/** Values of the flags that concern identities. */
export interface IdentityFlagValues {
  'token-cache-max-size': number;
  'token-cache-max-duration': number;
}

/** The account that a flag chooses for objects that name none. */
export interface DefaultAccount {
  flag: string;
  /** Empty for none. */
  name: string;
}

/**
 * Checks that flags and feature gate fit together.
 *
 * @throws FlagError
 */
export function checkIdentityFlags(
  flags: { 'default-service-account': string },
  isObjectLevel: boolean,
): void {
  if (flags['default-service-account'] === '' || isObjectLevel) return;
  throw new FlagError(
    '--default-service-account needs --feature-gates=ObjectLevelWorkloadIdentity=true: set that too',
  );
}

/** Makes the logins to clouds that flags and environment describe. */
export function createIdentities(o: {
  flags: IdentityFlagValues;
  account: DefaultAccount;
  isObjectLevel: boolean;
  environment: CloudEnvironment;
  monitor: TokenCacheMonitor;
  /** Of {@link createLocalDispatcher}; closed by the caller. */
  local: Dispatcher;
}): CloudIdentities {
  const { flags, account, isObjectLevel, environment, monitor, local } = o;
  const clock = systemClock;
  const tokens = new TokenCache({
    maxSize: flags['token-cache-max-size'],
    maxDurationMs: flags['token-cache-max-duration'],
    clock,
    monitor,
  });
  return new CloudIdentities({
    environment,
    isObjectLevel,
    defaultServiceAccount: account.name,
    defaultFlag: account.flag,
    tokens,
    local,
    clock,
  });
}
