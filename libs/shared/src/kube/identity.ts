import type { Identity } from './types.ts';

/**
 * Returns as whom a service account acts.
 *
 * Its groups stay empty: the API server adds a service account's groups itself, and naming them would need the permission to
 * impersonate groups.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
export function serviceAccountIdentity(namespace: string, name: string): Required<Identity> {
  return { user: `system:serviceaccount:${namespace}:${name}`, groups: [] };
}
