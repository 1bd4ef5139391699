import { inlineArchiveBytes } from '@sluice/shared/artifact';
import { errorMessage, redactUrl } from '@sluice/shared/base';
import { fetchBlob } from '../adapters/registry/blob.ts';
import type { RegistryClient } from '../adapters/registry/client.ts';
import { fetchManifest, ManifestError, resolveTag } from '../adapters/registry/manifest.ts';
import {
  AddressError,
  isTag,
  parseRepositoryUrl,
  type RepositoryAddress,
} from '../adapters/registry/reference.ts';
import { listTags } from '../adapters/registry/tags.ts';
import { ChartError } from '../helm/chart-error.ts';
import { ConstraintError } from '../semver/constraint.ts';
import { selectVersion } from '../semver/select-version.ts';
import { parseVersion } from '../semver/version.ts';
import { remoteOperation } from '../source/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import type { ChartRepository, OfferedChart } from './repository.ts';

export interface RegistryRepositoryOptions {
  /** Address of the place that has the charts, without a name of one. */
  url: string;
  insecure: boolean;
  /** Opens the connection to the repository of one chart. */
  connect(address: RepositoryAddress): Promise<RegistryClient>;
  /** Checks what a version leads to, before it is downloaded. */
  verify?(chart: OfferedChart, content: { client: RegistryClient; digest: string }): Promise<void>;
  limit: TimeLimit;
  maxArchiveBytes: number;
}

/** Media types of packed charts, that of early Helm versions last. */
const chartTypes = ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'application/tar+gzip'];

/** Opens a container registry that has charts. */
export function openRegistryRepository(o: RegistryRepositoryOptions): ChartRepository {
  const clients = new Map<string, Promise<RegistryClient>>();
  const clientOf = (name: string) => {
    const client = clients.get(name) ?? o.connect(addressOf(o, name));
    clients.set(name, client);
    return client;
  };
  const ask = <R>(what: string, run: () => Promise<R>) =>
    remoteOperation(
      { reason: 'ChartPullError', what: `chart pull error: ${what}`, limit: o.limit },
      run,
    );
  return {
    find: async (name, range) => {
      // A complete version is a tag: nothing has to be asked.
      if (parseVersion(range) !== undefined) return { name, version: range };
      const what = `failed to get tags of '${redactUrl(o.url)}/${name}'`;
      const tags = await ask(what, async () => listTags(await clientOf(name)));
      return { name, version: await highest(name, tags.map(versionOf), range, o.limit.signal) };
    },
    download: (chart, path) =>
      ask(`failed to download chart '${chart.name}' of version '${chart.version}'`, async () =>
        download(chart, path, await clientOf(chart.name), o),
      ),
  };
}

function addressOf({ url, insecure }: RegistryRepositoryOptions, name: string): RepositoryAddress {
  try {
    return parseRepositoryUrl(`${url.replace(/\/+$/, '')}/${name}`, insecure);
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ChartError('InvalidChartReference', `the repository's spec.url ${cause.message}`, {
      cause,
    });
  }
}

/** Tags cannot hold the `+` of versions; Helm writes `_` instead. */
function versionOf(tag: string): string {
  return tag.replaceAll('_', '+');
}

function tagOf(version: string): string {
  const tag = version.replaceAll('+', '_');
  if (isTag(tag)) return tag;
  throw new ChartError('InvalidChartReference', `version '${version}' cannot be a tag`);
}

async function highest(
  name: string,
  versions: string[],
  range: string,
  signal: AbortSignal,
): Promise<string> {
  if (versions.includes(range)) return range;
  let found: string | undefined;
  try {
    found = await selectVersion(versions, range || '*', signal);
  } catch (cause) {
    if (!(cause instanceof ConstraintError)) throw cause;
    throw new ChartError('InvalidChartReference', errorMessage(cause), { cause });
  }
  if (found !== undefined) return found;
  // A tag may come at any time, and no event tells.
  throw new ChartError(
    'ChartPullError',
    `no '${name}' chart with version matching '${range}' found among ${versions.length} tags`,
  );
}

async function download(
  chart: OfferedChart,
  path: string,
  client: RegistryClient,
  { verify, maxArchiveBytes: maxBytes }: RegistryRepositoryOptions,
): Promise<Buffer | string> {
  const digest = await resolveTag(client, tagOf(chart.version));
  await verify?.(chart, { client, digest });
  const manifest = await fetchManifest(client, digest);
  const layer = chartTypes
    .map((type) => manifest.layers.find(({ mediaType }) => mediaType === type))
    .find((one) => one !== undefined);
  if (layer === undefined) {
    const types = manifest.layers.map(({ mediaType }) => mediaType).join(', ');
    throw new ManifestError(`it has no layer with a chart, but ${types || 'no layers'}`);
  }
  return fetchBlob(client, layer, { memoryBytes: inlineArchiveBytes, path, maxBytes });
}
