import type { KubeObject } from '../api/index.ts';
import { coreResources, isForbidden, isNotFound, type KubeClient } from '../kube/index.ts';
import { CloudLoginError } from './cloud-error.ts';
import type { Issued } from './token-cache.ts';

/** A ServiceAccount that stands for an identity in a cloud. */
export interface AccountRef {
  namespace: string;
  name: string;
  /** Flag that chose it, when the object did not. */
  chosenBy?: string;
}

/** Which token an account is to get. */
export interface AccountTokenOptions {
  /** Who takes it. */
  audiences: readonly string[];
  /** How long it holds; unless told the least that the API server gives, as for one that is exchanged at once. */
  seconds?: number;
}

const leastTokenSeconds = 600;

/**
 * Reads the annotations of a ServiceAccount, which say what it is in a cloud.
 *
 * @throws CloudLoginError when it cannot be read
 */
export async function accountAnnotations(
  client: KubeClient,
  { chosenBy, ...key }: AccountRef,
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
    throw new CloudLoginError(`failed to get service account ${shown(key, chosenBy)}: ${why}`, {
      cause,
    });
  }
}

/**
 * Asks the API server for a token of a ServiceAccount.
 *
 * @throws CloudLoginError when it gives none
 */
export async function accountToken(
  client: KubeClient,
  account: AccountRef,
  { audiences, seconds = leastTokenSeconds }: AccountTokenOptions,
  signal: AbortSignal,
): Promise<Issued<string>> {
  const { namespace, name, chosenBy } = account;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`;
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences, expirationSeconds: seconds },
  };
  let answer: unknown;
  try {
    answer = await client.request('POST', path, { body, signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new CloudLoginError(
      `failed to create a token for service account ${shown(account, chosenBy)}: ${whyNoToken(cause)}`,
      { cause },
    );
  }
  const { token, expirationTimestamp } =
    (answer as { status?: Record<string, unknown> } | undefined)?.status ?? {};
  if (typeof token !== 'string') {
    throw new CloudLoginError(`the API server answered without a token for '${namespace}/${name}'`);
  }
  // Without an end it is used once.
  return { value: token, expiresAtMs: Date.parse(String(expirationTimestamp)) || 0 };
}

function whyNoToken(error: unknown): string {
  if (isForbidden(error)) return 'the controller may not: grant it create on serviceaccounts/token';
  if (isNotFound(error)) return 'it does not exist: create it';
  return 'the API server gave none';
}

function shown({ namespace, name }: AccountRef, chosenBy: string | undefined): string {
  const why =
    chosenBy === undefined ? '' : `, which --${chosenBy} chooses for objects that name none`;
  return `'${namespace}/${name}'${why}`;
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
