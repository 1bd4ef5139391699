import { setImmediate } from 'node:timers/promises';
import git, { Errors, type ServerRef } from 'isomorphic-git';
import { ProtocolError, RefusedError } from './git-error.ts';
import { type Discovery, GitHttp, type GitHttpOptions } from './git-http.ts';
import { gitdir, memoryFs } from './memory-fs.ts';
import { PackReceiver } from './pack-receiver.ts';
import type { StoredPack } from './pack-source.ts';
import { checkedOid, type Ref } from './refs.ts';

/** A commit to fetch. */
export interface FetchOptions {
  commit: string;
  /**
   * Reference whose whole history is fetched in place of the commit, should the server refuse to hand out a commit
   * by its name.
   */
  fallback?: string;
  /** Where a large pack may be stored. */
  path: string;
  /** Limit of the pack. */
  maxBytes: number;
  /** Bytes above which a pack is stored there. */
  inlineBytes?: number;
}

const remote = 'origin';

/** A repository on a server that speaks Git's smart protocol, through isomorphic-git. */
export class GitRemote {
  readonly #signal: AbortSignal;
  readonly #http: GitHttp;

  constructor(o: GitHttpOptions & { signal: AbortSignal }) {
    this.#signal = o.signal;
    this.#http = new GitHttp(o);
  }

  /** What there is to remember for the next time; undefined when it would save nothing. */
  get discovery(): Discovery | undefined {
    return this.#http.discovery;
  }

  /**
   * Lists the references whose names start with the prefix.
   *
   * @throws HttpError, with the status when the server refused
   * @throws ProtocolError when the server does not speak Git's protocol
   */
  async listRefs(prefix: string): Promise<Ref[]> {
    const remembered = this.#http.discovery !== undefined;
    try {
      return await this.#listRefs(prefix);
    } catch (error) {
      if (!remembered || this.#signal.aborted) throw error;
      // What was remembered may be out of date: the server moved, or was replaced by an older one.
      this.#http.forget();
      return this.#listRefs(prefix);
    }
  }

  /**
   * Fetches a commit with its tree and, where the server allows it, without its history.
   *
   * @throws HttpError, ProtocolError as {@link listRefs}; RangeError when the pack is over `maxBytes`
   */
  async fetchPack({ commit, fallback, ...store }: FetchOptions): Promise<StoredPack> {
    try {
      return await this.#fetch({ remoteRef: commit, depth: 1 }, store);
    } catch (error) {
      if (error instanceof Errors.RemoteCapabilityError) {
        return this.#fetch({ remoteRef: commit }, store);
      }
      const mayHaveIt = error instanceof RefusedError && !this.#http.offersAnyCommit;
      if (!mayHaveIt || fallback === undefined) throw error;
      return this.#fetch({ remoteRef: fallback }, store);
    }
  }

  async #listRefs(prefix: string): Promise<Ref[]> {
    const { url } = this.#http;
    const refs = await this.#run(() =>
      git.listServerRefs({ http: this.#http, url, prefix, peelTags: true }),
    );
    return refs.filter(({ ref }) => ref.startsWith(prefix)).map(checkedRef);
  }

  /**
   * Has isomorphic-git fetch, but keeps the pack from it: packs are indexed within limits, and large ones in another
   * thread, see {@link PackReader}.
   */
  async #fetch(
    what: { remoteRef: string; depth?: number },
    store: Omit<FetchOptions, 'commit' | 'fallback'>,
  ): Promise<StoredPack> {
    const { url } = this.#http;
    const receiver = new PackReceiver(store);
    this.#http.maxAnswerBytes = answerBytes(store.maxBytes);
    this.#http.receiver = receiver;
    let said = '';
    const files = new Map<string, Uint8Array | string>();
    const fs = memoryFs({
      read: async (path) => files.get(path),
      write: async (path, content) => void files.set(path, content),
    });
    const onMessage = (text: string) => {
      said = text.trim();
    };
    try {
      await this.#run(async () => {
        await git.addRemote({ fs, gitdir, remote, url });
        const target = { url, remote, ref: what.remoteRef, singleBranch: true, tags: false };
        await git.fetch({ fs, gitdir, http: this.#http, ...target, ...what, onMessage });
      });
      // The server's last words may still be on their way.
      await setImmediate();
      return checkedPack(await receiver.finish(), said);
    } catch (error) {
      await receiver.discard();
      throw error;
    } finally {
      this.#http.receiver = undefined;
    }
  }

  async #run<R>(work: () => Promise<R>): Promise<R> {
    try {
      const result = await work();
      this.#http.throwProblem();
      return result;
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason;
      throw translated(error);
    } finally {
      this.#http.close();
    }
  }
}

/** What servers say last when they give up in the middle of a pack, which isomorphic-git takes for its end. */
const failureWords = /\b(?:fatal|error|abort)/i;

function checkedPack(pack: StoredPack | undefined, said: string): StoredPack {
  if (pack !== undefined && failureWords.test(said)) {
    throw new RefusedError(`the server says: ${said}`);
  }
  if (pack !== undefined) return pack;
  throw new ProtocolError(`the server sent no pack${said === '' ? '' : `; it says: ${said}`}`);
}

/** The pack's answer also holds the server's progress messages, and five bytes for each packet. */
function answerBytes(maxBytes: number): number {
  return Math.ceil(maxBytes * 1.01) + 1024 * 1024;
}

function checkedRef({ ref, oid, peeled }: ServerRef): Ref {
  return {
    name: ref,
    oid: checkedOid(oid),
    ...(peeled !== undefined && { peeled: checkedOid(peeled) }),
  };
}

/** What isomorphic-git says of an answer that is no Git quotes all of it. */
function translated(error: unknown): unknown {
  const { SmartHttpError, ParseError, EmptyServerResponseError } = Errors;
  const kinds = [SmartHttpError, ParseError, EmptyServerResponseError];
  if (!kinds.some((kind) => error instanceof kind)) return error;
  return new ProtocolError('the server does not speak Git’s smart protocol');
}
