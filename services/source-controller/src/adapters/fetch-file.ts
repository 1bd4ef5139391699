import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Clock, redactUrl } from '@sluice/shared/base';
import { HttpError, type HttpRequest, type HttpResponse, retryAfterMs, send } from './http.ts';
import { type SavedBody, type SaveOptions, saveBody } from './save-body.ts';

/** How a server names the version of a file that it sent (RFC 9110, section 8.8). */
export interface Validators {
  etag?: string;
  lastModified?: string;
}

/** A request of a file. */
export type FileRequest = Omit<HttpRequest, 'method' | 'body' | 'headers'> & {
  clock: Clock;
  /** Lets the server compress what it sends; limits and digest are of the file itself. */
  compressed?: boolean;
};

/** Longest validator that is kept, in characters. */
const maxValidatorLength = 1024;

/** A downloaded file. */
export type FetchedFile = SavedBody & { validators: Validators };

/**
 * Downloads a file.
 *
 * @throws HttpError when the answer is not 200, or larger than allowed
 */
export async function fetchFile(request: FileRequest, o: SaveOptions): Promise<FetchedFile> {
  return save(await get(request, {}), request, o);
}

/**
 * Downloads a file, unless the server says that it is still the one with these validators.
 *
 * @returns undefined when it is
 * @throws HttpError when the answer is neither 200 nor the 304 that was asked for, or larger than allowed
 */
export async function fetchChangedFile(
  request: FileRequest,
  known: Validators,
  o: SaveOptions,
): Promise<FetchedFile | undefined> {
  const conditions = {
    ...(known.etag !== undefined && { 'if-none-match': known.etag }),
    ...(known.lastModified !== undefined && { 'if-modified-since': known.lastModified }),
  };
  const response = await get(request, conditions);
  if (response.status === 304 && Object.keys(conditions).length > 0) {
    await response.body.dump();
    return undefined;
  }
  return save(response, request, o);
}

async function save(
  response: HttpResponse,
  { clock, compressed }: FileRequest,
  o: SaveOptions,
): Promise<FetchedFile> {
  if (response.status !== 200) throw await unusable(response, clock);
  const isCompressed = response.headers['content-encoding'] === 'gzip';
  const body = isCompressed && compressed ? decompressed(response) : response.body;
  const saved = await saveBody({ body, url: response.url }, o);
  return { ...saved, validators: validatorsOf(response) };
}

/** What was decompressed is counted while it comes, so that a bomb ends at the limit. */
async function* decompressed({ body, url }: HttpResponse): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  // Whatever goes wrong reaches the reader as well.
  const piped = pipeline(body, gunzip).catch(() => undefined);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (!code.startsWith('Z_')) throw cause;
    throw new HttpError(`${redactUrl(url.href)}: the answer is no valid gzip`, { cause });
  } finally {
    gunzip.destroy();
    await piped;
  }
}

function get(request: FileRequest, conditions: Record<string, string>) {
  const { clock: _, compressed, ...rest } = request;
  const headers = { ...conditions, ...(compressed && { 'accept-encoding': 'gzip' }) };
  return send({ ...rest, headers, method: 'GET' });
}

function validatorsOf({ headers }: HttpResponse): Validators {
  const short = (name: string) => {
    const value = headers[name];
    return value !== undefined && value.length <= maxValidatorLength ? value : undefined;
  };
  const etag = short('etag');
  const lastModified = short('last-modified');
  return { ...(etag && { etag }), ...(lastModified && { lastModified }) };
}

async function unusable(response: HttpResponse, clock: Clock): Promise<HttpError> {
  const { status, headers, url } = response;
  await response.body.dump();
  const what = status === 404 ? 'not found' : `the server answered with status ${status}`;
  return new HttpError(`${redactUrl(url.href)}: ${what}`, {
    status,
    retryAfterMs: retryAfterMs(headers, clock.now()),
  });
}
