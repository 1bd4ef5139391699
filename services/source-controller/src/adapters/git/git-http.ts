import { redactUrl } from '@sluice/shared/base';
import type { GitHttpRequest, GitHttpResponse } from 'isomorphic-git';
import type { Dispatcher } from 'undici';
import { HttpError, type HttpResponse, largeBodyBytes, readBody, send } from '../http.ts';
import { ProtocolError } from './git-error.ts';
import type { PackReceiver } from './pack-receiver.ts';

// The HTTP client that isomorphic-git calls. Its own one knows no redirects, proxies, authorities or limits, and it
// overlooks the packet in which a server says why it ends the conversation.

/** What a server said about itself, worth remembering between polls. */
export interface Discovery {
  /** Address of the repository after redirects. */
  base: string;
  /** Its list of capabilities, in protocol version 2, which holds no references. */
  advertisement: Buffer;
}

export interface GitHttpOptions {
  /** Address of the repository, without credentials. */
  url: URL;
  authorization?: string;
  dispatcher: Dispatcher;
  signal: AbortSignal;
  /** What an earlier {@link GitHttp} learned about the same repository, to save a request. */
  discovery?: Discovery;
  /** Waits for the memory that a long list of references takes; returns how to give it back. */
  acquireMemory?: () => Promise<() => void>;
}

/** A server's refusal in its own words, such as of a commit that it does not have. */
export class RefusedError extends ProtocolError {
  override name = 'RefusedError';
}

/** A repository of half a million references stays below. */
export const maxAdvertisementBytes = 64 * 1024 * 1024;
/** What isomorphic-git takes for a list of that size: as bytes, as packets and as text. */
export const advertisementMemoryBytes = 4 * maxAdvertisementBytes;
const maxErrorBytes = 4096;
const banner = '001e# service=git-upload-pack\n0000';
const version2 = '000eversion 2\n';
/** Length of a packet that reports an error, and its first word. */
const errorPacket = /^([0-9a-f]{4})ERR /i;
const errorHeadBytes = 8;

/** Carries isomorphic-git's requests to one repository, with its credentials, limits and time limit. */
export class GitHttp {
  readonly #o: GitHttpOptions;
  #discovery: Discovery | undefined;
  #base: string | undefined;
  #capabilities = '';
  readonly #open = new Set<HttpResponse['body']>();
  #answers: GitHttpResponse[] = [];
  #releaseMemory: (() => void) | undefined;
  /** Limit of the next answers, in bytes. */
  maxAnswerBytes = maxAdvertisementBytes;
  /** Takes the packs out of the next answers. */
  receiver: PackReceiver | undefined;

  constructor(o: GitHttpOptions) {
    this.#o = o;
    this.#discovery = o.discovery;
    this.#base = o.discovery?.base;
  }

  /** What there is to remember for the next time; undefined when it would save nothing. */
  get discovery(): Discovery | undefined {
    return this.#discovery;
  }

  /** Address of the repository as isomorphic-git wants it. */
  get url(): string {
    return this.#o.url.href.replace(/\/+$/, '');
  }

  /** Forgets what may be out of date. */
  forget(): void {
    this.#discovery = undefined;
  }

  /** Tells whether the server said, along with its references, that it hands out any commit they lead to. */
  get offersAnyCommit(): boolean {
    return this.#capabilities.includes('allow-reachable-sha1-in-want');
  }

  /**
   * To be called after an operation: isomorphic-git leaves an error that it meets while reading an answer there, and
   * often goes on with what it has.
   *
   * @throws that error
   */
  throwProblem(): void {
    for (const { body } of this.#answers) {
      const { error } = body as { error?: unknown };
      if (error !== undefined) throw error;
    }
  }

  /** Ends what nobody read to its end. */
  close(): void {
    for (const body of this.#open) body.destroy();
    this.#open.clear();
    this.#answers = [];
    this.#releaseMemory?.();
    this.#releaseMemory = undefined;
  }

  /**
   * The one function of isomorphic-git's HTTP interface.
   *
   * @throws HttpError, with the status when the server refused
   * @throws RefusedError with the server's words
   */
  readonly request = async (request: GitHttpRequest): Promise<GitHttpResponse> => {
    const headers = request.headers ?? {};
    const answer =
      request.method === 'POST'
        ? await this.#post(headers, request.body)
        : await this.#get(request.url, headers);
    this.#answers.push(answer);
    return answer;
  };

  async #get(url: string, headers: Record<string, string>): Promise<GitHttpResponse> {
    const wantsVersion2 = headers['Git-Protocol'] === 'version=2';
    if (wantsVersion2 && this.#discovery !== undefined) {
      return answer(url, {}, [this.#discovery.advertisement]);
    }
    const response = await send({ ...this.#common(new URL(url)), method: 'GET', headers });
    await refuseFailure(response);
    const body = await readBody(response, maxAdvertisementBytes, this.#waitForMemory);
    this.#base = baseOf(response.url);
    const start = body.toString('latin1', 0, banner.length) === banner ? banner.length : 0;
    refuseErrorPacket(body.subarray(start));
    const isVersion2 = body.toString('latin1', start, start + version2.length) === version2;
    if (isVersion2) this.#discovery = { base: this.#base, advertisement: body };
    else this.#capabilities = firstLineOf(body.subarray(start));
    return answer(url, response.headers, [body]);
  }

  async #post(
    headers: Record<string, string>,
    chunks: GitHttpRequest['body'],
  ): Promise<GitHttpResponse> {
    const body: Uint8Array[] = [];
    for await (const chunk of chunks ?? []) body.push(chunk);
    const url = new URL(`${this.#base ?? this.url}/git-upload-pack`);
    const request = { ...this.#common(url), headers, body: Buffer.concat(body) };
    const response = await send({ ...request, method: 'POST' });
    await refuseFailure(response);
    this.#open.add(response.body);
    const read = this.#limited(response.body)[Symbol.asyncIterator]();
    const head: Buffer[] = [];
    let size = 0;
    while (size < errorHeadBytes) {
      const { value, done } = await read.next();
      if (done) break;
      head.push(value);
      size += value.length;
    }
    const first = Buffer.concat(head);
    refuseErrorPacket(first);
    const whole = chain(first, read);
    return answer(url.href, response.headers, this.receiver?.strip(whole) ?? whole);
  }

  readonly #waitForMemory = async (): Promise<void> => {
    this.#releaseMemory ??= await this.#o.acquireMemory?.();
  };

  async *#limited(body: HttpResponse['body']): AsyncGenerator<Buffer> {
    const limit = this.maxAnswerBytes;
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw new RangeError(`the server's answer is over ${limit} bytes`);
      // A pack does not stay in memory.
      if (size > largeBodyBytes && this.receiver === undefined) await this.#waitForMemory();
      yield chunk;
    }
    this.#open.delete(body);
  }

  /** Credentials are for the origin that the user named; a server it redirects to gets none. */
  #common(url: URL) {
    const { authorization, dispatcher, signal } = this.#o;
    const trusted = url.origin === this.#o.url.origin;
    return { url, dispatcher, signal, ...(trusted && { authorization }) };
  }
}

function answer(
  url: string,
  headers: Record<string, string>,
  body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): GitHttpResponse {
  const bytes = (async function* () {
    yield* body;
  })();
  return { url, headers, body: bytes, statusCode: 200, statusMessage: 'OK' };
}

async function* chain(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

function baseOf(url: URL): string {
  const end = url.href.indexOf('/info/refs');
  if (end < 0) throw new ProtocolError('the server redirected to what is no repository');
  return url.href.slice(0, end);
}

/** The first packet's line, where versions 0 and 1 list capabilities. */
function firstLineOf(body: Buffer): string {
  const end = body.indexOf('\n');
  return body.toString('latin1', 0, Math.max(end, 0));
}

function refuseErrorPacket(start: Buffer): void {
  const length = errorPacket.exec(start.toString('latin1', 0, errorHeadBytes))?.[1];
  if (length === undefined) return;
  const words = start.toString('utf8', errorHeadBytes, Number.parseInt(length, 16)).trim();
  throw new RefusedError(`the server says: ${words}`);
}

async function refuseFailure(response: HttpResponse): Promise<void> {
  const { status } = response;
  if (status === 200) return;
  // Read to free the connection; a server's error page is of no use in a condition.
  await readBody(response, maxErrorBytes).catch(() => response.body.destroy());
  const what =
    status === 401 || status === 403
      ? 'authentication required'
      : status === 404
        ? 'repository not found'
        : `the server answered with status ${status}`;
  throw new HttpError(`${redactUrl(response.url.href)}: ${what}`, { status });
}
