import { isNamespaceName, isObjectName } from '@sluice/shared/api';
import { FlagError } from '@sluice/shared/base';

/** The values of the flags that say who may come to a server. */
export interface AuthenticationFlags {
  /** `none` or `token`. */
  mode: string;
  audience: string;
  accounts: readonly string[];
}

/** The names of these flags, without the dashes. */
export type AuthenticationFlagNames = Record<keyof AuthenticationFlags, string>;

/**
 * Reads the flags that say who may come to a server.
 *
 * @returns the names by which the API server knows the accounts as users; undefined when anybody may come
 * @throws FlagError that names the flag and the fix
 */
export function readAuthentication(
  { mode, audience, accounts }: AuthenticationFlags,
  names: AuthenticationFlagNames,
): ReadonlySet<string> | undefined {
  const users = new Set(accounts.map((value) => userOf(value, names.accounts)));
  if (mode === 'none') {
    if (users.size === 0) return undefined;
    throw new FlagError(
      `--${names.accounts} has no effect without --${names.mode}=token: set that too`,
    );
  }
  if (users.size === 0) {
    throw new FlagError(
      `--${names.mode}=token needs --${names.accounts}, such as flux-system:kustomize-controller`,
    );
  }
  if (audience === '') {
    throw new FlagError(
      `--${names.audience} must not be empty: tokens for the API server itself would be accepted`,
    );
  }
  return users;
}

function userOf(value: string, flagName: string): string {
  const [namespace = '', name = '', ...more] = value.split(':');
  if (more.length > 0 || !isNamespaceName(namespace) || !isObjectName(name)) {
    throw new FlagError(
      `--${flagName}: '${value}' names no service account: write <namespace>:<name>, such as flux-system:kustomize-controller`,
    );
  }
  return `system:serviceaccount:${namespace}:${name}`;
}
