import type { GitRepository } from '@sluice/shared/api';
import { errorMessage, RetryableError, StalledError } from '@sluice/shared/base';
import type { Ref } from '../adapters/git/refs.ts';
import type { GitRemote } from '../adapters/git/remote.ts';
import { ConstraintError, compileConstraint } from '../semver/constraint.ts';
import { selectVersion } from '../semver/select-version.ts';
import { invalidReferenceReason } from '../source/names.ts';

/** The commit that the spec's reference leads to now. */
export interface ResolvedRef {
  commit: string;
  /** `<reference>@sha1:<commit>`, or `sha1:<commit>`. */
  revision: string;
  /** The tag that leads there, if one does, with its object: the commit itself for one without annotation. */
  tag?: { name: string; oid: string };
}

/** Reason of failures to fetch or resolve. */
export const gitFailedReason = 'GitOperationFailed';

const defaultBranch = 'master';
const tagPrefix = 'refs/tags/';

/**
 * Finds the commit that `spec.ref` leads to: commit wins over name, semver, tag and branch. A pinned commit takes
 * no request.
 *
 * @throws RetryableError `GitOperationFailed` when the reference does not exist
 * @throws StalledError `InvalidReference` when the range of versions is none
 * @throws HttpError, ProtocolError as the remote does
 */
export async function resolveRef(
  remote: GitRemote,
  ref: NonNullable<GitRepository['spec']['ref']>,
  signal: AbortSignal,
): Promise<ResolvedRef> {
  if (ref.commit) return pinned(ref.commit, ref.branch);
  if (ref.name) return named(await exactRef(remote, ref.name), ref.name);
  if (ref.semver) return highestTag(remote, ref.semver, signal);
  if (ref.tag) return named(await exactRef(remote, tagPrefix + ref.tag), ref.tag);
  const branch = ref.branch || defaultBranch;
  return named(await exactRef(remote, `refs/heads/${branch}`), branch);
}

function pinned(commit: string, branch: string | undefined): ResolvedRef {
  const revision = `sha1:${commit}`;
  return { commit, revision: branch ? `${branch}@${revision}` : revision };
}

function named(ref: Ref, shown: string): ResolvedRef {
  const commit = ref.peeled ?? ref.oid;
  const tag = { name: ref.name.slice(tagPrefix.length), oid: ref.oid };
  const revision = `${shown}@sha1:${commit}`;
  return { commit, revision, ...(ref.name.startsWith(tagPrefix) && { tag }) };
}

async function exactRef(remote: GitRemote, name: string): Promise<Ref> {
  const refs = await remote.listRefs(name);
  const ref = refs.find((candidate) => candidate.name === name);
  if (ref !== undefined) return ref;
  throw new RetryableError(gitFailedReason, `couldn't find remote ref "${name}"`);
}

async function highestTag(
  remote: GitRemote,
  range: string,
  signal: AbortSignal,
): Promise<ResolvedRef> {
  checkRange(range);
  const refs = await remote.listRefs(tagPrefix);
  const tags = new Map(
    refs
      .filter((ref) => ref.name.startsWith(tagPrefix))
      .map((ref) => [ref.name.slice(tagPrefix.length), ref]),
  );
  const tag = await selectVersion(tags.keys(), range, signal);
  if (tag === undefined) {
    throw new RetryableError(
      gitFailedReason,
      `no tag matches spec.ref.semver '${range}' among ${tags.size} tags`,
    );
  }
  return named(tags.get(tag) as Ref, tag);
}

function checkRange(range: string): void {
  try {
    compileConstraint(range);
  } catch (cause) {
    if (!(cause instanceof ConstraintError)) throw cause;
    throw new StalledError(invalidReferenceReason, `spec.ref.semver: ${errorMessage(cause)}`, {
      cause,
    });
  }
}
