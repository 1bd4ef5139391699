import { inlineArchiveBytes } from '@sluice/shared/artifact';
import { type Clock, errorMessage, redactUrl } from '@sluice/shared/base';
import type { Endpoints } from '../adapters/endpoint.ts';
import { fetchFile } from '../adapters/fetch-file.ts';
import { HttpError } from '../adapters/http.ts';
import { ChartError } from '../helm/chart-error.ts';
import type { ChartIndex, ChartVersion } from '../helm/index-charts.ts';
import { accessFor, type RepositoryAccess } from '../helm-repository/access.ts';
import { chartAddress } from '../helm-repository/address.ts';
import { ConstraintError } from '../semver/constraint.ts';
import { selectByVersion } from '../semver/select-version.ts';
import { remoteOperation } from '../source/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import type { ChartRepository, OfferedChart } from './repository.ts';

export interface IndexRepositoryOptions {
  /** Says what is in the repository. */
  index(): Promise<ChartIndex>;
  /** Reads the credentials; called only when something is downloaded. */
  access(): Promise<RepositoryAccess>;
  endpoints: Endpoints;
  /** Whose chart it is, such as a namespace. */
  share: string;
  clock: Clock;
  limit: TimeLimit;
  maxArchiveBytes: number;
}

/** Opens a repository that has an index. */
export function openIndexRepository(o: IndexRepositoryOptions): ChartRepository {
  return {
    find: async (name, range) => ({
      name,
      ...(await findVersion(await o.index(), name, range, o.limit.signal)),
    }),
    download: (chart, path) =>
      remoteOperation({ reason: 'ChartPullError', what: whatOf(chart), limit: o.limit }, async () =>
        download(chart, path, await o.access(), o),
      ),
  };
}

/**
 * Finds a version in an index: the one that is written like the range, else the highest inside. Of versions that
 * differ in build metadata alone, the one made last.
 *
 * @throws ChartError `InvalidChartReference` when there is none
 */
export async function findVersion(
  index: ChartIndex,
  name: string,
  range: string,
  signal?: AbortSignal,
): Promise<ChartVersion> {
  const json = index.get(name);
  if (json === undefined) {
    throw new ChartError('InvalidChartReference', `no '${name}' chart found in the index`);
  }
  const versions = JSON.parse(json) as ChartVersion[];
  const exact = versions.find(({ version }) => version === range);
  const found = exact ?? (await highest(versions, range || '*', signal));
  if (found !== undefined) return found;
  throw new ChartError(
    'InvalidChartReference',
    `no '${name}' chart with version matching '${range}' found among ${versions.length}`,
  );
}

async function highest(
  versions: ChartVersion[],
  range: string,
  signal: AbortSignal | undefined,
): Promise<ChartVersion | undefined> {
  try {
    return await selectByVersion(versions, range, {
      signal,
      versionOf: ({ version }) => version,
      compare: (a, b) => (a.created ?? 0) - (b.created ?? 0),
    });
  } catch (cause) {
    if (!(cause instanceof ConstraintError)) throw cause;
    throw new ChartError('InvalidChartReference', errorMessage(cause), { cause });
  }
}

function whatOf({ name, version }: OfferedChart): string {
  return `chart pull error: failed to download chart '${name}' of version '${version}'`;
}

async function download(
  chart: OfferedChart,
  path: string,
  access: RepositoryAccess,
  o: IndexRepositoryOptions,
): Promise<Buffer | string> {
  const [reference] = chart.urls ?? [];
  if (reference === undefined) throw new HttpError('the index gives no address for it');
  const target = chartAddress(access.url, reference);
  if (target === undefined) {
    throw new HttpError('the index gives an address that is neither http:// nor https://');
  }
  const { authorization, endpoint } = accessFor(access, target);
  const { content, hex } = await fetchFile(
    {
      url: target,
      ...(authorization !== undefined && { authorization }),
      dispatcher: o.endpoints.dispatcherFor(endpoint, o.share),
      signal: o.limit.signal,
      clock: o.clock,
    },
    { memoryBytes: inlineArchiveBytes, path, maxBytes: o.maxArchiveBytes },
  );
  if (chart.digest !== undefined && chart.digest !== hex) {
    throw new HttpError(
      `${redactUrl(target.href)}: its digest is sha256:${hex}, the index says sha256:${chart.digest}`,
    );
  }
  return content;
}
