import {
  type HelmRelease,
  helmReleaseKind,
  type Kustomization,
  kustomizationKind,
} from '@sluice/shared/api';
import {
  type ApiResource,
  isKindMissing,
  isNotFound,
  keyOf,
  resourceOf,
} from '@sluice/shared/kube';
import { CliError, UsageError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import type { Session } from '../session.ts';

/** An object that changes are made by. */
export type Target = Kustomization | HelmRelease;
export type TargetKind = 'Kustomization' | 'HelmRelease';

/** How the kinds are asked for. */
export const targetResources: Record<TargetKind, ApiResource> = {
  Kustomization: resourceOf(kustomizationKind),
  HelmRelease: resourceOf(helmReleaseKind),
};

const words: Record<TargetKind, string[]> = {
  Kustomization: ['kustomization', 'kustomizations', 'ks'],
  HelmRelease: ['helmrelease', 'helmreleases', 'hr'],
};

/**
 * Returns the kind that a word on the command line means.
 *
 * @throws UsageError when it means none
 */
export function targetKindOf(word: string): TargetKind {
  const kinds = Object.keys(words) as TargetKind[];
  const kind = kinds.find((one) => words[one].includes(word.toLowerCase()));
  if (kind !== undefined) return kind;
  throw new UsageError(`KIND '${word}' is not known: kustomization (ks) or helmrelease (hr)`);
}

/**
 * Fetches the object that the command line names.
 *
 * @throws CliError when there is none, ApiError, ConnectionError
 */
export async function findTarget({ invocation, client, namespace }: Session): Promise<Target> {
  const [word = '', name = ''] = invocation.args;
  const kind = targetKindOf(word);
  const key = { namespace, name };
  try {
    return await client.get<Target>(targetResources[kind], key);
  } catch (error) {
    if (isKindMissing(error)) {
      throw new CliError(`the cluster does not serve the kind ${kind}: is it the one you mean?`, {
        cause: error,
      });
    }
    if (!isNotFound(error)) throw error;
    throw new CliError(`there is no ${kind} ${keyOf(key)}: name its namespace with --namespace`, {
      cause: error,
    });
  }
}

/** Returns the resource of an object. */
export function resourceOfTarget({ kind }: Target): ApiResource {
  return targetResources[kind as TargetKind];
}

/** Names an object in a text, as `Kustomization apps/web`. */
export function nameOf(target: Target): string {
  return oneLine(`${target.kind} ${keyOf(target)}`);
}

/** What tells an object apart, for the format json. */
export function referenceOf({ kind, metadata }: Target) {
  return { kind, namespace: metadata.namespace, name: metadata.name };
}
