import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BudgetError, errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { MissingCommitError } from '../adapters/git/pack-error.ts';
import { inlinePackBytes, packBytes, type StoredPack } from '../adapters/git/pack-source.ts';
import type { GitRemote } from '../adapters/git/remote.ts';
import { AddressError } from '../adapters/git/repository-address.ts';
import { HttpError } from '../adapters/http.ts';
import { findSubmodulesAnywhere } from '../packing/packing-workers.ts';
import { fetchFailedCondition } from '../source/names.ts';
import { phase } from '../source/status.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { turnOf } from '../source/turn.ts';
import { connectTo } from './connect.ts';
import type { GitContext, GitRepositoryDeps } from './deps.ts';
import { type FoundSubmodule, maxSubmodules } from './find-submodules.ts';
import { gitOperation, whyRefused } from './git-errors.ts';
import { gitFailedReason } from './resolve-ref.ts';
import { type Place, submodulePlace } from './submodule-place.ts';
import { asVerdict } from './verification.ts';
import type { Verification } from './verify-objects.ts';

/** The repository of `spec.url`, as it was fetched. */
export interface FetchedRoot {
  pack: StoredPack;
  commit: string;
  address: URL;
  /** What has to be signed before anything of it is believed. */
  verification: Verification | undefined;
}

/** A submodule as it was fetched, and its directory in the artifact. */
export interface FetchedSubmodule {
  path: string;
  commit: string;
  pack: StoredPack;
}

export interface SubmoduleOptions {
  /** Directories of the artifact to take; everything when empty. */
  sparse: string[];
  limit: TimeLimit;
  /** For large packs; must not exist, and is removed by the caller. */
  dir: string;
  /** Limit of all packs together, that of the root included. */
  maxBytes: number;
}

/** As deep as Flux goes. */
const maxDepth = 10;

/** A repository that may hold submodules. */
interface Holder extends FetchedSubmodule {
  place: Place;
  depth: number;
  verification?: Verification | undefined;
  /** Reference in whose history the commit was looked for, should the server not hand it out by its name. */
  fallback?: string;
}

/**
 * Fetches the submodules of a commit, and theirs, each at the commit that the tree around it names.
 *
 * @returns outer ones before those inside of them; none without `spec.recurseSubmodules`
 * @throws RetryableError `AuthenticationFailed` or `GitOperationFailed` that names the submodule; as {@link asVerdict}
 */
export async function fetchSubmodules(
  context: GitContext,
  deps: GitRepositoryDeps,
  root: FetchedRoot,
  o: SubmoduleOptions,
): Promise<FetchedSubmodule[]> {
  if (!context.object.spec.recurseSubmodules) return [];
  const { address, ...rest } = root;
  const place = { text: address.href, address, isTrusted: true };
  await mkdir(o.dir, { mode: 0o700 });
  const fetch = new SubmoduleFetch(context, deps, o);
  return fetch.all({ ...rest, place, path: '', depth: 0 });
}

class SubmoduleFetch {
  readonly #context: GitContext;
  readonly #deps: GitRepositoryDeps;
  readonly #o: SubmoduleOptions;
  #bytes = 0;
  #inlineBytes = 0;

  constructor(context: GitContext, deps: GitRepositoryDeps, o: SubmoduleOptions) {
    this.#context = context;
    this.#deps = deps;
    this.#o = o;
  }

  async all(root: Holder): Promise<FetchedSubmodule[]> {
    await this.#count(root.pack);
    const open = [root];
    const fetched: Holder[] = [];
    for (let holder = open.shift(); holder !== undefined; holder = open.shift()) {
      const found = await this.#find(holder, maxSubmodules - fetched.length);
      for (const submodule of found) {
        const file = join(this.#o.dir, String(fetched.length));
        const next = await this.#fetch(submodule, holder, file);
        fetched.push(next);
        open.push(next);
      }
    }
    return fetched.map(({ path, commit, pack }) => ({ path, commit, pack }));
  }

  async #find(holder: Holder, most: number): Promise<FoundSubmodule[]> {
    const { pack, commit, path: base, depth, verification } = holder;
    const { limit, sparse } = this.#o;
    const task = { pack, commit, base, sparse, ...(verification && { verification }) };
    const turn = turnOf(this.#context, this.#deps, limit.signal);
    try {
      const found = await this.#deps.packing
        .run(turn.share, () => findSubmodulesAnywhere(task, turn), turn.signal)
        .catch((error: unknown) => asVerdict(this.#context, error));
      if (found.length > most) throw new BudgetError(`over ${maxSubmodules} submodules`);
      if (found.length > 0 && depth >= maxDepth) {
        throw new BudgetError(`submodules inside of each other over ${maxDepth} deep`);
      }
      return found;
    } catch (error) {
      limit.throwIfStopped();
      // A verdict has its condition already.
      if (error instanceof ReconcileError) throw error;
      return this.#fail(holder, limit.error ?? whyNotRead(holder, error), error);
    }
  }

  async #fetch(found: FoundSubmodule, holder: Holder, file: string): Promise<Holder> {
    const { path, commit, branch } = found;
    const place = await this.#placeOf(found, holder);
    const fallback = branch ?? 'HEAD';
    const { limit } = this.#o;
    const subject = {
      task: `fetch submodule '${path}' at commit '${commit}'`,
      field: `the address of submodule '${path}'`,
    };
    const pack = await phase(this.#context.status, fetchFailedCondition, async () => {
      const to = { ...place, isForeign: !place.isTrusted, signal: limit.signal };
      const remote = await connectTo(this.#context, this.#deps, to);
      const run = () => this.#fetchPack(remote, place, { commit, fallback, path: file });
      return gitOperation(place.address.href, limit, run, subject);
    });
    await this.#count(pack);
    return { path, commit, pack, place, fallback, depth: holder.depth + 1 };
  }

  async #placeOf({ path, url }: FoundSubmodule, holder: Holder): Promise<Place> {
    try {
      return submodulePlace(url, holder.place);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      const why = `the address of submodule '${path}' in .gitmodules ${error.message}`;
      return this.#fail(holder, why, error);
    }
  }

  async #fetchPack(
    remote: GitRemote,
    { isTrusted }: Place,
    what: { commit: string; fallback: string; path: string },
  ): Promise<StoredPack> {
    const { maxBytes } = this.#o;
    try {
      return await remote.fetchPack({
        ...what,
        maxBytes: Math.max(0, maxBytes - this.#bytes),
        inlineBytes: Math.max(0, inlinePackBytes - this.#inlineBytes),
      });
    } catch (error) {
      if (error instanceof RangeError) {
        throw new RangeError(`all packs together are over the limit of ${maxBytes} bytes`);
      }
      if (isTrusted || !(error instanceof HttpError)) throw error;
      throw withoutCredentials(error);
    }
  }

  async #count(pack: StoredPack): Promise<void> {
    this.#bytes += await packBytes(pack);
    if ('bytes' in pack) this.#inlineBytes += pack.bytes.length;
  }

  #fail({ path, commit }: Holder, why: string, cause: unknown): Promise<never> {
    const what = path === '' ? `commit ${commit}` : `submodule '${path}'`;
    return phase(this.#context.status, fetchFailedCondition, () => {
      throw new RetryableError(gitFailedReason, `failed to checkout ${what}: ${why}`, { cause });
    });
  }
}

function whyNotRead({ commit, fallback }: Holder, error: unknown): string {
  if (error instanceof MissingCommitError && fallback !== undefined) {
    return `the server does not hand out commit '${commit}' by its name, and it is not in the history of ${fallback}: push it to a branch that .gitmodules names`;
  }
  return whyRefused(error) ?? `its submodules cannot be looked for: ${errorMessage(error)}`;
}

function withoutCredentials(error: HttpError): HttpError {
  const { status, retryAfterMs, message } = error;
  if (status !== 401 && status !== 403) return error;
  const hint = 'credentials are for the server of spec.url, which this is not';
  return new HttpError(`${message}; ${hint}`, { status, retryAfterMs, cause: error });
}
