import type { Readable } from 'node:stream';
import type { GitHttpRequest, GitHttpResponse } from 'isomorphic-git';
import { largeBodyBytes } from '../http.ts';
import { RefusedError } from './git-error.ts';
import { type GitTransport, serviceBanner } from './git-transport.ts';
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
  transport: GitTransport;
  /** What an earlier {@link GitHttp} learned about the same repository, to save a request. */
  discovery?: Discovery;
  /** Waits for the memory that a long list of references takes; returns how to give it back. */
  acquireMemory?: () => Promise<() => void>;
}

/** A repository of half a million references stays below. */
export const maxAdvertisementBytes = 64 * 1024 * 1024;
/** What isomorphic-git takes for a list of that size: as bytes, as packets and as text. */
export const advertisementMemoryBytes = 4 * maxAdvertisementBytes;
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
  readonly #open = new Set<Readable>();
  #answers: GitHttpResponse[] = [];
  #releaseMemory: (() => void) | undefined;
  /** Limit of the next answers, in bytes. */
  maxAnswerBytes = maxAdvertisementBytes;
  /** Takes the packs out of the next answers. */
  receiver: PackReceiver | undefined;

  constructor(o: GitHttpOptions) {
    this.#o = o;
    if (!o.transport.isStateless) return;
    this.#discovery = o.discovery;
    this.#base = o.discovery?.base;
  }

  /** What there is to remember for the next time; undefined when it would save nothing. */
  get discovery(): Discovery | undefined {
    return this.#discovery;
  }

  /** Address of the repository as isomorphic-git wants it, which knows no SSH and hands every request over. */
  get url(): string {
    return this.#o.transport.url.href.replace(/^ssh:/, 'https:').replace(/\/+$/, '');
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
    this.#o.transport.close();
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
    const { transport } = this.#o;
    const onLarge = this.#waitForMemory;
    const said = await transport.discover({
      url,
      headers,
      maxBytes: maxAdvertisementBytes,
      onLarge,
    });
    const { body } = said;
    this.#base = said.base;
    const start =
      body.toString('latin1', 0, serviceBanner.length) === serviceBanner ? serviceBanner.length : 0;
    refuseErrorPacket(body.subarray(start));
    const isVersion2 = body.toString('latin1', start, start + version2.length) === version2;
    if (isVersion2 && transport.isStateless)
      this.#discovery = { base: this.#base, advertisement: body };
    if (!isVersion2) this.#capabilities = firstLineOf(body.subarray(start));
    return answer(url, said.headers, [body]);
  }

  async #post(
    headers: Record<string, string>,
    chunks: GitHttpRequest['body'],
  ): Promise<GitHttpResponse> {
    const body: Uint8Array[] = [];
    for await (const chunk of chunks ?? []) body.push(chunk);
    const response = await this.#o.transport.exchange({
      base: this.#base ?? this.url,
      headers,
      body: Buffer.concat(body),
    });
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
    return answer(response.url, response.headers, this.receiver?.strip(whole) ?? whole);
  }

  readonly #waitForMemory = async (): Promise<void> => {
    this.#releaseMemory ??= await this.#o.acquireMemory?.();
  };

  async *#limited(body: Readable): AsyncGenerator<Buffer> {
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
