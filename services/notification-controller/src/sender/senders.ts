import { isNamespaceName, isObjectName } from '@sluice/shared/api';
import { FlagError } from '@sluice/shared/base';

/**
 * Reads the accounts of `--event-senders`.
 *
 * @param values each `<namespace>:<name>` of a ServiceAccount
 * @returns the names by which the API server knows these accounts as users
 * @throws FlagError that names the value and the form
 */
export function parseSenders(values: readonly string[]): ReadonlySet<string> {
  return new Set(values.map(userOf));
}

function userOf(value: string): string {
  const [namespace = '', name = '', ...more] = value.split(':');
  if (more.length > 0 || !isNamespaceName(namespace) || !isObjectName(name)) {
    throw new FlagError(
      `--event-senders: '${value}' names no service account: write <namespace>:<name>, such as flux-system:kustomize-controller`,
    );
  }
  return `system:serviceaccount:${namespace}:${name}`;
}
