import type { KubeObject, ManagedFieldsEntry } from '@sluice/shared/api';
import { encodeRelease } from './encode.ts';
import type { Release, ReleaseStatus, RevisionKey } from './release.ts';

/** Type of the Secrets in which Helm keeps releases. */
const secretType = 'helm.sh/release.v1';

/** Labels that Helm sets; all others were given to the release by a person. */
const systemLabels = ['name', 'owner', 'status', 'version', 'createdAt', 'modifiedAt'];

/** A Secret that holds one revision of a release. */
export interface ReleaseSecret extends KubeObject {
  type?: string;
  /** `release`: what {@link encodeRelease} returns, in base64 once more. */
  data?: Record<string, string>;
}

/** Who wrote something, and when. */
export interface Writer {
  /** Field manager, such as `helm-controller` or `Helm`; the empty string when the API server does not tell. */
  manager: string;
  /** RFC 3339, to the second. */
  time: string;
}

/** What the metadata of a stored revision tells without its content. */
export interface StoredRevision extends RevisionKey {
  /** From the label, which Helm writes together with the content. */
  status: ReleaseStatus;
  uid: string;
  resourceVersion: string;
  /** Who wrote the content last; other changes of the Secret, such as of its labels, do not count. */
  writer: Writer;
}

/** Returns the name of the Secret of a revision. */
export function secretNameOf({ name, version }: RevisionKey): string {
  return `sh.helm.release.v1.${name}.v${version}`;
}

/** Selects the Secrets of a release, of one status if that is given. */
export function selectorOf(name: string, status?: ReleaseStatus): string {
  const release = `name=${name},owner=helm`;
  return status === undefined ? release : `${release},status=${status}`;
}

/**
 * Makes the Secret of a revision.
 *
 * @param stamp the label that tells when it was written: `createdAt` of a new record, else `modifiedAt`
 * @param now milliseconds since 1970
 * @throws StalledError `ReleaseTooLarge`
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/storage/driver/secrets.go
 */
export async function secretOf(
  release: Release,
  namespace: string,
  stamp: 'createdAt' | 'modifiedAt',
  now: number,
): Promise<ReleaseSecret> {
  const content = await encodeRelease(release);
  const labels = {
    [stamp]: String(Math.floor(now / 1000)),
    ...release.labels,
    name: release.name,
    owner: 'helm',
    status: release.info.status,
    version: String(release.version),
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secretNameOf(release), namespace, labels },
    type: secretType,
    data: { release: Buffer.from(content).toString('base64') },
  };
}

/** Returns the labels that a person gave the release. */
export function customLabelsOf(secret: KubeObject): Record<string, string> {
  const entries = Object.entries(secret.metadata.labels ?? {});
  return Object.fromEntries(entries.filter(([key]) => !systemLabels.includes(key)));
}

/** Reads what the metadata of a Secret tells; undefined when it is of no release. */
export function storedRevisionOf(secret: KubeObject): StoredRevision | undefined {
  const { labels = {}, uid = '', resourceVersion = '' } = secret.metadata;
  const { name, version, status = 'unknown' } = labels;
  const number = Number(version);
  if (name === undefined || labels['owner'] !== 'helm' || !Number.isInteger(number))
    return undefined;
  return {
    name,
    version: number,
    status: status as ReleaseStatus,
    uid,
    resourceVersion,
    writer: writerOf(secret),
  };
}

/** Who wrote it before keeps `f:data`, but not the release in it, which is another with each write. */
function writesContent({ fieldsV1 }: ManagedFieldsEntry): boolean {
  const data = (fieldsV1 as Record<string, object> | undefined)?.['f:data'];
  return data !== undefined && 'f:release' in data;
}

function writerOf(secret: KubeObject): Writer {
  const { managedFields = [], labels = {}, creationTimestamp = '' } = secret.metadata;
  let last: ManagedFieldsEntry | undefined;
  for (const entry of managedFields) {
    if (writesContent(entry) && (entry.time ?? '') >= (last?.time ?? '')) last = entry;
  }
  const seconds = Number(labels['modifiedAt'] ?? labels['createdAt']);
  const stamped = Number.isFinite(seconds)
    ? new Date(seconds * 1000).toISOString()
    : creationTimestamp;
  return { manager: last?.manager ?? '', time: last?.time ?? stamped };
}
