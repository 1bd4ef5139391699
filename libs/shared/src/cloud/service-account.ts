import type { KubeObject } from '../api/index.ts';
import { coreResources, isForbidden, isNotFound, type KubeClient } from '../kube/index.ts';
import { CloudLoginError } from './cloud-error.ts';

/** A ServiceAccount that stands for an identity in a cloud. */
export interface AccountRef {
  namespace: string;
  name: string;
  /** `--default-service-account` chose it, not the object. */
  isDefault?: boolean;
}

/** Least that the API server gives: the token is exchanged at once. */
const tokenSeconds = 600;

/**
 * Reads the annotations of a ServiceAccount, which say what it is in a cloud.
 *
 * @throws CloudLoginError when it cannot be read
 */
export async function accountAnnotations(
  client: KubeClient,
  { isDefault, ...key }: AccountRef,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  try {
    const account = await client.get<KubeObject>(coreResources.serviceAccounts, key, {
      signal,
      metadataOnly: true,
    });
    return account.metadata.annotations ?? {};
  } catch (cause) {
    signal.throwIfAborted();
    const why = isNotFound(cause) ? 'it does not exist' : 'the API server refused to return it';
    const whose = isDefault
      ? ', which --default-service-account chooses for objects that name none'
      : '';
    throw new CloudLoginError(
      `failed to get service account '${key.namespace}/${key.name}'${whose}: ${why}`,
      { cause },
    );
  }
}

/**
 * Asks the API server for a token of a ServiceAccount.
 *
 * @throws CloudLoginError when it gives none
 */
export async function accountToken(
  client: KubeClient,
  { namespace, name }: AccountRef,
  audience: string,
  signal: AbortSignal,
): Promise<string> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`;
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [audience], expirationSeconds: tokenSeconds },
  };
  let answer: unknown;
  try {
    answer = await client.request('POST', path, { body, signal });
  } catch (cause) {
    signal.throwIfAborted();
    const why = isForbidden(cause)
      ? 'the controller may not: grant it create on serviceaccounts/token'
      : 'the API server gave none';
    throw new CloudLoginError(
      `failed to create a token for service account '${namespace}/${name}': ${why}`,
      { cause },
    );
  }
  const { token } = (answer as { status?: { token?: unknown } } | undefined)?.status ?? {};
  if (typeof token === 'string') return token;
  throw new CloudLoginError(`the API server answered without a token for '${namespace}/${name}'`);
}

/**
 * An annotation that has to be there in a certain form.
 *
 * @throws CloudLoginError
 */
export function annotationOf(
  annotations: Record<string, string>,
  key: string,
  form: RegExp,
): string {
  const value = annotations[key];
  if (value !== undefined && form.test(value)) return value;
  const shown = value === undefined ? 'has no' : `has a wrong`;
  throw new CloudLoginError(
    `the service account ${shown} annotation ${key}: it must match ${form.source}`,
  );
}
