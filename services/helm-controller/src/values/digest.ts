import { digestOfText, type TextDigestAlgorithm } from '@sluice/shared/base';
import type { Values } from '../release/release.ts';
import { formatGoYaml } from './go-yaml.ts';

/**
 * Returns the digest of the values of a release as `sha256:<hex>`: that of their YAML with sorted keys, byte for byte
 * as Flux computes it, so that a release that Flux made is known to have the wanted values. No values are like an
 * empty map.
 *
 * @see https://fluxcd.io/flux/components/helm/helmreleases/#configuration-drift
 */
export function valuesDigest(
  values: Values | undefined,
  algorithm: TextDigestAlgorithm = 'sha256',
): string {
  const empty = values === undefined || Object.keys(values).length === 0;
  return digestOfText(empty ? '' : formatGoYaml(values), algorithm);
}
