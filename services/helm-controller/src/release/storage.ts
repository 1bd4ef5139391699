import { type Clock, LruBytes, mapConcurrently, RetryableError } from '@sluice/shared/base';
import {
  coreResources,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KubeClient,
} from '@sluice/shared/kube';
import { decodeRelease, ReleaseDecodeError } from './encode.ts';
import { type Release, type ReleaseStatus, type RevisionKey, revisionName } from './release.ts';
import {
  customLabelsOf,
  type ReleaseSecret,
  type StoredRevision,
  secretNameOf,
  secretOf,
  selectorOf,
  storedRevisionOf,
} from './release-secret.ts';

/** Field manager of what the controller writes. */
export const fieldManager = 'helm-controller';

const secrets = coreResources.secrets;

/** Requests for the revisions of one release that run at a time. */
const maxRequests = 4;

/** How many bytes a decoded release takes for each byte of its record, roughly. */
const decodedFactor = 4;

/** That revision is stored already: somebody else made it meanwhile. */
export class ReleaseExistsError extends RetryableError {
  constructor(release: Release) {
    super(
      'ReleaseExists',
      `revision ${revisionName(release)} exists already: another client of Helm made it at the same time`,
    );
  }
}

/** The record to be updated was deleted. */
export class ReleaseGoneError extends RetryableError {
  constructor(release: Release) {
    super(
      'ReleaseGone',
      `the record of ${revisionName(release)} was deleted while it was worked on`,
    );
  }
}

/** Somebody else wrote the record since it was looked at. */
export class ReleaseChangedError extends RetryableError {
  constructor(release: Release) {
    super(
      'ReleaseChanged',
      `the record of ${revisionName(release)} was changed by another client of Helm meanwhile`,
    );
  }
}

/**
 * The records of releases in one namespace, as Helm keeps them. Every method throws ApiError or ConnectionError when
 * the API server refuses or is not reached; those that read throw RetryableError `ReleaseUnreadable` for a Secret
 * that cannot be decoded.
 *
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/storage/storage.go
 */
export interface ReleaseStorage {
  /** What the metadata tells of all revisions, newest first: one request that reads no content. */
  revisions(name: string): Promise<StoredRevision[]>;
  /** Returns the newest revision; its content is fetched only when it is not known yet. */
  last(name: string): Promise<Release | undefined>;
  /** Returns the newest revision that is deployed. */
  deployed(name: string): Promise<Release | undefined>;
  get(name: string, version: number): Promise<Release | undefined>;
  /** Returns the content of a revision that {@link revisions} listed; undefined when it was deleted since. */
  read(revision: StoredRevision): Promise<Release | undefined>;
  /** Returns all revisions, oldest first. */
  history(name: string): Promise<Release[]>;
  /** Stores a new revision. @throws ReleaseExistsError when there is one of that number */
  create(release: Release): Promise<StoredRevision>;
  /**
   * Stores the state of a revision that exists.
   *
   * @param seen when given, the write happens only if nobody wrote the record since
   * @throws ReleaseGoneError when there is no record of it
   * @throws ReleaseChangedError when it is not as seen
   */
  update(release: Release, seen?: StoredRevision): Promise<StoredRevision>;
  /** Deletes one revision; that it is gone already is no error. */
  delete(name: string, version: number): Promise<void>;
  /**
   * Deletes the oldest revisions until `maxHistory` remain; all stay when it is 0. The newest and the newest deployed
   * one stay always, so that after the creation of a revision as many remain as Helm would leave.
   */
  prune(name: string, maxHistory: number): Promise<void>;
}

/** Decoded releases by the identity of their record; bounded, shared by the storages of a process. */
export type ReleaseCache = LruBytes<Release>;

/** Creates a cache of decoded releases that take up to so many bytes, as far as that can be told. */
export function createReleaseCache(maxBytes: number): ReleaseCache {
  return new LruBytes(maxBytes);
}

export interface ReleaseStorageOptions {
  /** Acts with the rights of the tenant. */
  client: KubeClient;
  /** Namespace of the records. */
  namespace: string;
  cache: ReleaseCache;
  clock: Clock;
  signal?: AbortSignal;
}

/** Opens the records of releases in a namespace; nothing is read before it is asked for. */
export function openReleaseStorage(options: ReleaseStorageOptions): ReleaseStorage {
  return new SecretStorage(options);
}

/** Copies what actions change; the chart, the values and the texts are shared. */
function copyOf(release: Release): Release {
  return {
    ...release,
    info: { ...release.info },
    hooks: release.hooks?.map((hook) => ({ ...hook, last_run: { ...hook.last_run } })),
    labels: { ...release.labels },
  };
}

class SecretStorage implements ReleaseStorage {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #cache: ReleaseCache;
  readonly #clock: Clock;
  readonly #signal?: AbortSignal;

  constructor({ client, namespace, cache, clock, signal }: ReleaseStorageOptions) {
    this.#client = client;
    this.#namespace = namespace;
    this.#cache = cache;
    this.#clock = clock;
    this.#signal = signal;
  }

  async revisions(name: string): Promise<StoredRevision[]> {
    return this.#list(selectorOf(name));
  }

  async last(name: string): Promise<Release | undefined> {
    return this.#newest(selectorOf(name));
  }

  async deployed(name: string): Promise<Release | undefined> {
    return this.#newest(selectorOf(name, 'deployed' satisfies ReleaseStatus));
  }

  async get(name: string, version: number): Promise<Release | undefined> {
    const secret = await this.#fetch({ name, version });
    return secret === undefined ? undefined : this.#decode(secret);
  }

  async read(revision: StoredRevision): Promise<Release | undefined> {
    const known = this.#cache.get(this.#keyOf(revision));
    return known === undefined ? this.get(revision.name, revision.version) : copyOf(known);
  }

  async history(name: string): Promise<Release[]> {
    const revisions = await this.revisions(name);
    const read = (revision: StoredRevision) => this.read(revision);
    const releases = await mapConcurrently(revisions.reverse(), maxRequests, read);
    return releases.filter((release) => release !== undefined);
  }

  async create(release: Release): Promise<StoredRevision> {
    const secret = await secretOf(release, this.#namespace, 'createdAt', this.#clock.now());
    try {
      const { metadata } = await this.#client.create(secrets, secret, this.#options());
      return this.#written(release, { ...secret, metadata });
    } catch (error) {
      if (isAlreadyExists(error)) throw new ReleaseExistsError(release);
      throw error;
    }
  }

  async update(release: Release, seen?: StoredRevision): Promise<StoredRevision> {
    const secret = await secretOf(release, this.#namespace, 'modifiedAt', this.#clock.now());
    secret.metadata.uid = seen?.uid;
    secret.metadata.resourceVersion = seen?.resourceVersion;
    try {
      const { metadata } = await this.#client.replace(secrets, secret, this.#options());
      return this.#written(release, { ...secret, metadata });
    } catch (error) {
      if (isNotFound(error)) throw new ReleaseGoneError(release);
      if (isConflict(error)) throw new ReleaseChangedError(release);
      throw error;
    }
  }

  async delete(name: string, version: number): Promise<void> {
    await this.#remove({ name, version });
  }

  async prune(name: string, maxHistory: number): Promise<void> {
    if (maxHistory <= 0) return;
    const revisions = await this.revisions(name);
    const deployed = revisions.find(({ status }) => status === 'deployed');
    const removable = revisions.slice(1).filter((revision) => revision !== deployed);
    const surplus = Math.max(0, revisions.length - maxHistory);
    const stale = removable.reverse().slice(0, surplus);
    await mapConcurrently(stale, maxRequests, (revision) => this.#remove(revision, revision.uid));
  }

  #options() {
    // The record would come back whole.
    return { fieldManager, signal: this.#signal, metadataOnly: true };
  }

  #keyOf({ uid, resourceVersion }: StoredRevision): string {
    return `${this.#client.identity}/${uid}/${resourceVersion}`;
  }

  async #list(labelSelector: string): Promise<StoredRevision[]> {
    const { items } = await this.#client.list(secrets, {
      namespace: this.#namespace,
      labelSelector,
      metadataOnly: true,
      signal: this.#signal,
    });
    const revisions = items.map(storedRevisionOf).filter((revision) => revision !== undefined);
    return revisions.sort((a, b) => b.version - a.version);
  }

  /** A record that is deleted between the two requests makes the one before it the newest. */
  async #newest(labelSelector: string): Promise<Release | undefined> {
    for (const revision of await this.#list(labelSelector)) {
      const release = await this.read(revision);
      if (release !== undefined) return release;
    }
    return undefined;
  }

  async #fetch(key: RevisionKey): Promise<ReleaseSecret | undefined> {
    const secret = { namespace: this.#namespace, name: secretNameOf(key) };
    try {
      return await this.#client.get<ReleaseSecret>(secrets, secret, { signal: this.#signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #decode(secret: ReleaseSecret): Promise<Release> {
    const text = Buffer.from(secret.data?.['release'] ?? '', 'base64').toString();
    const release = await decodeRelease(text).catch((error) => {
      if (!(error instanceof ReleaseDecodeError)) throw error;
      const { namespace, name } = secret.metadata;
      throw new RetryableError(
        'ReleaseUnreadable',
        `Secret ${namespace}/${name} holds no release that can be read: ${error.message}; restore it from a backup, or delete it`,
      );
    });
    release.labels = customLabelsOf(secret);
    this.#remember(release, secret);
    return copyOf(release);
  }

  #written(release: Release, secret: ReleaseSecret): StoredRevision {
    this.#remember(release, secret);
    // The Secret has just been written with all of its labels.
    return storedRevisionOf(secret) as StoredRevision;
  }

  #remember(release: Release, secret: ReleaseSecret): void {
    const revision = storedRevisionOf(secret);
    if (revision === undefined) return;
    const bytes = (secret.data?.['release']?.length ?? 0) * decodedFactor;
    this.#cache.set(this.#keyOf(revision), copyOf(release), bytes);
  }

  async #remove(key: RevisionKey, uid?: string): Promise<void> {
    const secret = { namespace: this.#namespace, name: secretNameOf(key) };
    try {
      await this.#client.delete(secrets, secret, { uid, signal: this.#signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
