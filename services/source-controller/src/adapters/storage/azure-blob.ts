import { childOf, textOf, type XmlNode } from '@sluice/shared/cloud';
import { type SaveOptions, saveBody } from '../save-body.ts';
import type { AzureLogin } from './azure-login.ts';
import {
  bareEtag,
  type FetchedObject,
  type ObjectStorage,
  type StoredObject,
} from './object-storage.ts';
import { encodeKey } from './s3-address.ts';
import { failureOf, type StorageDoor, storageGet, xmlPageOf } from './storage-request.ts';

export interface AzureBlobOptions extends StorageDoor {
  /** Address of the storage account. */
  endpoint: URL;
  container: string;
  login: AzureLogin;
}

/** Version of the protocol. */
const version = '2021-12-02';

/**
 * A container of Azure Blob Storage.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/list-blobs
 */
export class AzureBlobStorage implements ObjectStorage {
  readonly #o: AzureBlobOptions;

  constructor(o: AzureBlobOptions) {
    this.#o = o;
  }

  async *list(prefix: string): AsyncIterable<StoredObject[]> {
    let next = '';
    do {
      const query = {
        comp: 'list',
        restype: 'container',
        ...(next !== '' && { marker: next }),
        ...(prefix !== '' && { prefix }),
      };
      const page = await xmlPageOf(await this.#get('', query), 'EnumerationResults', this.#o);
      yield objectsIn(page);
      next = textOf(page, 'NextMarker');
    } while (next !== '');
  }

  async get(object: StoredObject, o: SaveOptions): Promise<FetchedObject | undefined> {
    const response = await this.#get(`/${encodeKey(object.key)}`);
    if (response.status === 200) {
      return { ...(await saveBody(response, o)), etag: etagOf(response.headers['etag'] ?? '') };
    }
    const failure = await failureOf(response, this.#o);
    if (failure.code === 'BlobNotFound') return undefined;
    throw failure;
  }

  #get(path: string, query: Record<string, string> = {}) {
    const { endpoint, container, login } = this.#o;
    const url = new URL(endpoint);
    url.pathname = `${endpoint.pathname.replace(/\/$/, '')}/${encodeKey(container)}${path}`;
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const authorize = async (request: { url: URL }) =>
      login(request.url, { 'x-ms-version': version });
    return storageGet(url, authorize, this.#o);
  }
}

function objectsIn(page: XmlNode): StoredObject[] {
  return (childOf(page, 'Blobs')?.children ?? [])
    .filter(({ name }) => name === 'Blob')
    .map((blob) => {
      const properties = childOf(blob, 'Properties');
      return {
        key: nameOf(blob),
        etag: etagOf(textOf(properties, 'Etag')),
        size: Number(textOf(properties, 'Content-Length')) || 0,
      };
    });
}

/** Names that XML cannot hold are percent-encoded. */
function nameOf(blob: XmlNode): string {
  const text = textOf(blob, 'Name');
  try {
    return text.includes('%') && isEncoded(blob) ? decodeURIComponent(text) : text;
  } catch {
    return text;
  }
}

/** The attribute `Encoded` is all that says so, and only such names have it: they hold what no text can. */
function isEncoded(blob: XmlNode): boolean {
  return childOf(blob, 'Name')?.attributes?.['Encoded'] === 'true';
}

/** As Flux writes it into the revision: the hexadecimal digits of its characters. */
function etagOf(etag: string): string {
  return Buffer.from(bareEtag(etag)).toString('hex');
}
