import { type Clock, printable } from '@sluice/shared/base';
import { childOf, parseXml, textOf, XmlError, type XmlNode } from '@sluice/shared/cloud';
import type { Dispatcher } from 'undici';
import { type HttpResponse, readBody, retryAfterMs, send } from '../http.ts';
import { StorageError } from './object-storage.ts';

/** How a storage is reached. */
export interface StorageDoor {
  dispatcher: Dispatcher;
  signal: AbortSignal;
  clock: Clock;
}

/** Adds what logs a request in; the address may get parameters. */
export type Authorize = (request: { method: 'GET'; url: URL }) => Promise<{
  url: URL;
  headers: Record<string, string>;
}>;

/** Of a page of a list: a thousand keys of a thousand bytes, written in the longest way, with what goes with them. */
const maxPageBytes = 16 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;
const maxReasonLength = 300;

/**
 * Sends a request. Redirects are not followed: signatures are made for one host.
 *
 * @throws HttpError when there is no answer; any status is one
 */
export async function storageGet(
  url: URL,
  authorize: Authorize,
  door: StorageDoor,
): Promise<HttpResponse> {
  const request = await authorize({ method: 'GET', url });
  const { dispatcher, signal } = door;
  return send({ method: 'GET', ...request, dispatcher, signal, follow: false });
}

/**
 * The text of a successful answer.
 *
 * @throws as {@link failureOf}, when the answer is not 200
 */
export async function pageOf(response: HttpResponse, door: StorageDoor): Promise<string> {
  if (response.status !== 200) throw await failureOf(response, door);
  return (await readBody(response, maxPageBytes)).toString('utf8');
}

/**
 * A page of a list in XML. What is something else, such as the page of a proxy, must not pass for an empty list.
 *
 * @param root name of its root
 * @throws StorageError when it is none
 */
export async function xmlPageOf(
  response: HttpResponse,
  root: string,
  door: StorageDoor,
): Promise<XmlNode> {
  const text = await pageOf(response, door);
  try {
    const page = parseXml(text.replace(/^\uFEFF/, ''));
    if (page.name === root) return page;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
  }
  throw noList(response);
}

/** An answer that is no list of objects. */
export function noList({ url, status }: HttpResponse): StorageError {
  return new StorageError(`${url.host} answered with something that is no list of objects`, {
    status,
  });
}

/** Makes an error of an answer, with the code and the message that the storage gives. */
export async function failureOf(
  response: HttpResponse,
  { clock }: StorageDoor,
): Promise<StorageError> {
  const { status, headers, url } = response;
  const body = await readBody(response, maxErrorBytes).catch(() => Buffer.alloc(0));
  const said = saidIn(body.toString('utf8'));
  const code = said.code || headers['x-ms-error-code'] || '';
  const why = printable([code, said.message].filter(Boolean).join(': ')).slice(0, maxReasonLength);
  return new StorageError(
    `${url.host} answered with status ${status}${why === '' ? '' : `: ${why}`}`,
    { status, code, retryAfterMs: retryAfterMs(headers, clock.now()) },
  );
}

/** S3 and Azure answer with XML, Google with JSON. */
function saidIn(text: string): { code: string; message: string } {
  try {
    if (text.startsWith('{')) {
      const { error } = JSON.parse(text) as { error?: { message?: unknown } };
      return { code: '', message: typeof error?.message === 'string' ? error.message : '' };
    }
    const root = parseXml(text.replace(/^\uFEFF/, ''));
    const error = root.name === 'Error' ? root : childOf(root, 'Error');
    const [message = ''] = textOf(error, 'Message').split('\n');
    return { code: textOf(error, 'Code'), message };
  } catch {
    return { code: '', message: '' };
  }
}
