import type { OCIRepository } from '@sluice/shared/api';
import { RetryableError } from '@sluice/shared/base';
import type { RegistryClient } from '../adapters/registry/client.ts';
import { resolveTag } from '../adapters/registry/manifest.ts';
import { listTags } from '../adapters/registry/tags.ts';
import { filterTags } from '../semver/filter.ts';
import { selectVersion } from '../semver/select-version.ts';
import { remoteOperation } from '../source/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { pullFailedReason, readFailedReason } from './oci-errors.ts';

/** The manifest that the spec's reference leads to now. */
export interface ResolvedRef {
  digest: string;
  /** `<tag>@<digest>`, or the digest alone. */
  revision: string;
}

const defaultTag = 'latest';
/** Tags cannot hold the `+` of versions; Helm writes `_` instead. */
const helmChartType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

/**
 * Finds the digest that `spec.ref` leads to: digest wins over semver and tag. A pinned digest takes no request.
 *
 * @throws RetryableError `OCIArtifactPullFailed` or `ReadOperationFailed` when there is none
 */
export async function resolveRef(
  client: RegistryClient,
  spec: OCIRepository['spec'],
  limit: TimeLimit,
): Promise<ResolvedRef> {
  const ref = spec.ref ?? {};
  if (ref.digest) return { digest: ref.digest, revision: ref.digest };
  const tag = ref.semver
    ? await remoteOperation(
        {
          reason: readFailedReason,
          what: `failed to determine the artifact tag for '${spec.url}'`,
          limit,
        },
        () => highestTag(client, spec, ref.semver as string, limit.signal),
      )
    : ref.tag || defaultTag;
  const digest = await remoteOperation(
    { reason: pullFailedReason, what: 'failed to determine artifact digest', limit },
    () => resolveTag(client, tag),
  );
  return { digest, revision: `${tag}@${digest}` };
}

async function highestTag(
  client: RegistryClient,
  spec: OCIRepository['spec'],
  range: string,
  signal: AbortSignal,
): Promise<string> {
  const isChart = spec.layerSelector?.mediaType === helmChartType;
  const tags = await filterTags(await listTags(client), spec.ref?.semverFilter, signal);
  const versions = new Map(tags.map((tag) => [isChart ? tag.replaceAll('_', '+') : tag, tag]));
  const best = await selectVersion(versions.keys(), range, signal);
  if (best === undefined) {
    throw new RetryableError(
      readFailedReason,
      `failed to determine the artifact tag for '${spec.url}': no match found for semver '${range}' among ${tags.length} tags`,
    );
  }
  return versions.get(best) as string;
}
