import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BaseFetcher, Updater } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';

/** Downloads a file of a repository; undefined when it has none of that name. */
export type Download = (url: string) => Promise<Buffer | undefined>;

/** A repository of TUF, and where what was fetched from it is kept. */
export interface TrustRootRepository {
  /** Address, without a slash at its end. */
  mirror: string;
  /** JSON of the metadata of its root that is trusted to begin with. */
  firstRoot: string;
  dir: string;
}

const target = 'trusted_root.json';
const maxTargetBytes = 1024 * 1024;
/** Far more than there have been; each costs one request. */
const maxRootRotations = 64;
const limits = {
  maxRootRotations,
  maxDelegations: 4,
  rootMaxLength: 512 * 1024,
  timestampMaxLength: 16 * 1024,
  snapshotMaxLength: 256 * 1024,
  targetsMaxLength: 1024 * 1024,
};
const rootName = /^\d{1,6}\.root\.json$/;
const timestampName = 'timestamp.json';

/**
 * Takes a trust root out of a repository of TUF. Signatures are followed from the first root each time, so that nothing
 * depends on who could write to the directory; what is kept there cannot be replaced by older versions.
 *
 * @param download without one, what was fetched before is taken, if it has not expired
 * @returns JSON of the `trusted_root.json`
 * @throws Error of tuf-js that says what is not signed, expired, older than before or too large; of the download
 * @see https://theupdateframework.github.io/specification/latest/#detailed-client-workflow
 */
export async function fetchTrustRoot(
  { mirror, firstRoot, dir }: TrustRootRepository,
  download?: Download,
): Promise<string> {
  const [roots, metadataDir, targetDir] = ['roots', 'metadata', 'targets'].map((name) =>
    join(dir, name),
  ) as [string, string, string];
  for (const folder of [roots, metadataDir, targetDir]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await writeFile(join(metadataDir, 'root.json'), firstRoot);
  const kept: Download = (url) => readKept({ roots, metadataDir }, basename(url));
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: mirror,
    targetDir,
    targetBaseUrl: `${mirror}/targets`,
    fetcher: new FileFetcher(download ? keeping(download, roots) : kept),
    config: limits,
  });
  await updater.refresh();
  const found = await updater.getTargetInfo(target);
  if (found === undefined) throw new Error(`the repository has no ${target}`);
  if (found.length > maxTargetBytes) throw new Error(`${target} is over ${maxTargetBytes} bytes`);
  const path = (await updater.findCachedTarget(found)) ?? (await updater.downloadTarget(found));
  return readFile(path, 'utf8');
}

/** Keeps the versions of the root, which lead from the first one to the present. */
function keeping(download: Download, roots: string): Download {
  return async (url) => {
    const content = await download(url);
    const name = basename(url);
    if (content !== undefined && rootName.test(name)) await writeFile(join(roots, name), content);
    return content;
  };
}

async function readKept(
  { roots, metadataDir }: { roots: string; metadataDir: string },
  name: string,
): Promise<Buffer | undefined> {
  if (rootName.test(name)) return readFile(join(roots, name)).catch(() => undefined);
  if (name === timestampName) return readFile(join(metadataDir, name));
  throw new Error(`${name} was not fetched before`);
}

class FileFetcher extends BaseFetcher {
  readonly #download: Download;

  constructor(download: Download) {
    super();
    this.#download = download;
  }

  override async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const content = await this.#download(url);
    if (content === undefined) throw new DownloadHTTPError(`there is no ${basename(url)}`, 404);
    return new Blob([new Uint8Array(content)]).stream();
  }
}
