import { errorMessage, ReconcileError } from '@sluice/shared/base';
import { ObjectError } from '@sluice/shared/engine';
import { ApiError, ConnectionError, NoKindMatchError } from '@sluice/shared/kube';
import type { Release, ReleaseStatus } from '../release/release.ts';
import type { StoredRevision } from '../release/release-secret.ts';
import { ReleaseChangedError, ReleaseGoneError } from '../release/storage.ts';
import { type ActionContext, ActionError } from './context.ts';

/** Most characters of an error that are kept in the description of a release; the rest would crowd out the record. */
const maxDescriptionLength = 2000;

/** The stored state of a revision that an action works on. */
export class ReleaseRecord {
  readonly release: Release;
  readonly #ctx: Pick<ActionContext, 'storage'>;
  #seen: StoredRevision | undefined;

  /** @param seen the state that the action starts from; undefined to overwrite whatever there is */
  constructor(ctx: Pick<ActionContext, 'storage'>, release: Release, seen?: StoredRevision) {
    this.#ctx = ctx;
    this.release = release;
    this.#seen = seen;
  }

  /**
   * Stores a new revision.
   *
   * @throws ReleaseExistsError when somebody else made it meanwhile
   */
  static async create(
    ctx: Pick<ActionContext, 'storage'>,
    release: Release,
  ): Promise<ReleaseRecord> {
    return new ReleaseRecord(ctx, release, await ctx.storage.create(release));
  }

  /**
   * Stores the release as it is now.
   *
   * @throws ReleaseGoneError, ReleaseChangedError when somebody else touched the record
   */
  async save(): Promise<void> {
    this.#seen = await this.#ctx.storage.update(this.release, this.#seen);
  }

  /** Changes the status, and the description if one is given, and stores both. */
  async settle(status: ReleaseStatus, description?: string): Promise<void> {
    this.release.info.status = status;
    if (description !== undefined) this.release.info.description = description;
    await this.save();
  }
}

/**
 * Records that an action failed, and returns the error to throw. What is not a failure of the release stays what it
 * is: an abort, and a record that somebody else took over.
 *
 * @param describe makes the description of the release from the masked message
 */
export async function failRelease(
  ctx: ActionContext,
  record: ReleaseRecord,
  error: unknown,
  describe: (message: string) => string,
): Promise<unknown> {
  ctx.signal.throwIfAborted();
  if (error instanceof ReleaseGoneError || error instanceof ReleaseChangedError) return error;
  const { release } = record;
  const message = ctx.masker.mask(errorMessage(error));
  const description = describe(message);
  const short =
    description.length > maxDescriptionLength
      ? `${description.slice(0, maxDescriptionLength)}…`
      : description;
  await record.settle('failed', short);
  return isExpected(error) ? new ActionError(message, release) : error;
}

/** Anything else is a bug, which has to keep its stack. */
function isExpected(error: unknown): boolean {
  const kinds = [
    ActionError,
    ObjectError,
    ApiError,
    ConnectionError,
    NoKindMatchError,
    ReconcileError,
  ];
  return kinds.some((kind) => error instanceof kind);
}
