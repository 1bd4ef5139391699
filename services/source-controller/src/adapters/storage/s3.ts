import { type AwsCredentials, signAws, textOf, type XmlNode } from '@sluice/shared/cloud';
import type { HttpResponse } from '../http.ts';
import { type SaveOptions, saveBody } from '../save-body.ts';
import {
  bareEtag,
  type FetchedObject,
  type ObjectStorage,
  StorageError,
  type StoredObject,
} from './object-storage.ts';
import { encodeKey, type S3Address, s3Address } from './s3-address.ts';
import { failureOf, noList, type StorageDoor, storageGet, xmlPageOf } from './storage-request.ts';

export interface S3Options extends StorageDoor {
  /** Host, with its port if it has one. */
  endpoint: string;
  bucket: string;
  region?: string;
  insecure: boolean;
  /** Without, requests are not signed. */
  credentials?: AwsCredentials;
}

const regionForm = /^[a-z0-9-]{1,50}$/;

/**
 * A bucket of Amazon S3, or of what is compatible with it. A region that was not named is taken from what the storage
 * says of a wrong one.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export class S3Storage implements ObjectStorage {
  readonly #o: S3Options;
  #address: S3Address;

  constructor(o: S3Options) {
    this.#o = o;
    this.#address = s3Address(o);
  }

  async *list(prefix: string): AsyncIterable<StoredObject[]> {
    let next = '';
    do {
      const query = {
        'list-type': '2',
        'encoding-type': 'url',
        ...(prefix !== '' && { prefix }),
        ...(next !== '' && { 'continuation-token': next }),
      };
      const response = await this.#get('', query);
      const page = await xmlPageOf(response, 'ListBucketResult', this.#o);
      yield objectsIn(page);
      const goesOn = textOf(page, 'IsTruncated') === 'true';
      next = goesOn ? textOf(page, 'NextContinuationToken') : '';
      // A part of a list must not pass for all of it.
      if (goesOn && next === '') throw noList(response);
    } while (next !== '');
  }

  async get(object: StoredObject, o: SaveOptions): Promise<FetchedObject | undefined> {
    const response = await this.#get(`/${encodeKey(object.key)}`);
    if (response.status === 200) {
      return { ...(await saveBody(response, o)), etag: bareEtag(response.headers['etag']) };
    }
    const failure = await failureOf(response, this.#o);
    if (failure.code === 'NoSuchKey') return undefined;
    throw failure;
  }

  async #get(path: string, query: Record<string, string> = {}): Promise<HttpResponse> {
    const response = await this.#send(path, query);
    const region = await this.#regionSaid(response);
    if (region === undefined) return response;
    this.#address = { ...s3Address({ ...this.#o, region }), isGuess: false };
    return this.#send(path, query);
  }

  /** The region that the storage says the bucket is in, when it refused the one that was a guess. */
  async #regionSaid(response: HttpResponse): Promise<string | undefined> {
    const { status, headers } = response;
    const { isGuess, region } = this.#address;
    if (!isGuess || ![301, 307, 400, 403].includes(status)) return undefined;
    const said = headers['x-amz-bucket-region'];
    if (said === undefined || said === region || !regionForm.test(said)) return undefined;
    await response.body.dump();
    return said;
  }

  #send(path: string, query: Record<string, string>): Promise<HttpResponse> {
    const { credentials, clock } = this.#o;
    const { base, region } = this.#address;
    const url = new URL(base);
    // Set, not parsed: keys may begin with slashes.
    url.pathname = `${base.pathname.replace(/\/$/, '')}${path}` || '/';
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    // A space is written the way that signatures have it.
    url.search = url.search.replaceAll('+', '%20');
    const authorize = async (request: { method: 'GET'; url: URL }) => ({
      url: request.url,
      headers:
        credentials === undefined
          ? {}
          : await signAws({ ...request, service: 's3', region }, credentials, clock.now()),
    });
    return storageGet(url, authorize, this.#o);
  }
}

function objectsIn(page: XmlNode): StoredObject[] {
  const isEncoded = textOf(page, 'EncodingType') === 'url';
  return page.children
    .filter(({ name }) => name === 'Contents')
    .map((entry) => ({
      key: isEncoded ? decodedKey(textOf(entry, 'Key')) : textOf(entry, 'Key'),
      etag: bareEtag(textOf(entry, 'ETag')),
      size: Number(textOf(entry, 'Size')) || 0,
    }));
}

/** @throws StorageError when it is not encoded as it should be */
function decodedKey(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new StorageError(`the list has a key that is no UTF-8: ${JSON.stringify(text)}`, {
      status: 200,
    });
  }
}
