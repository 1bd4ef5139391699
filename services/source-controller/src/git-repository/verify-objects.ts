import type { PackReader } from '../adapters/git/pack-reader.ts';
import { SignatureError } from '../signature/signature-error.ts';
import { signedCommit, signedTag } from '../signature/signed-object.ts';
import { type TrustedKeys, verifySignature } from '../signature/verify-signature.ts';

/** What has to be signed, and by whom; plain data, so that a thread can check it. */
export interface Verification {
  commit: boolean;
  /** The tag that led to the commit, to be signed as well or instead. */
  tag?: { name: string; oid: string };
  keys: TrustedKeys;
}

/** A commit that is not signed as it must be. */
export class UnverifiedCommitError extends Error {
  override name = 'UnverifiedCommitError';
}

/** A tag that is not signed as it must be. */
export class UnverifiedTagError extends Error {
  override name = 'UnverifiedTagError';
}

/**
 * Checks the signatures of a commit and its tag.
 *
 * @returns what was verified, in words
 * @throws UnverifiedTagError, UnverifiedCommitError that says what is not signed by a trusted key
 * @throws TrustedKeyError when a key cannot be read
 */
export async function verifyObjects(
  pack: PackReader,
  commit: string,
  { commit: wantsCommit, tag, keys }: Verification,
): Promise<string> {
  const verified: string[] = [];
  if (tag !== undefined) verified.push(await verifyTag(pack, { ...tag, commit }, keys));
  if (wantsCommit) verified.push(await verifyCommit(pack, commit, keys));
  return `verified signature of ${verified.join(' and of ')}`;
}

async function verifyCommit(pack: PackReader, commit: string, keys: TrustedKeys): Promise<string> {
  const what = `commit '${commit}'`;
  try {
    const key = await verifySignature(signedCommit(pack.get(commit).content), keys);
    return `${what} with key '${key}'`;
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw new UnverifiedCommitError(`signature verification of ${what} failed: ${error.message}`);
  }
}

async function verifyTag(
  pack: PackReader,
  { name, oid, commit }: { name: string; oid: string; commit: string },
  keys: TrustedKeys,
): Promise<string> {
  const what = `tag '${name}@${oid}'`;
  const { type, content } = pack.get(oid);
  try {
    if (type !== 'tag') throw new SignatureError('it is no annotated tag');
    checkTarget(content, { name, commit });
    const key = await verifySignature(signedTag(content), keys);
    return `${what} with key '${key}'`;
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw new UnverifiedTagError(`signature verification of ${what} failed: ${error.message}`);
  }
}

/** A server could show a signed tag under another name, or along with another commit. */
function checkTarget(content: Buffer, { name, commit }: { name: string; commit: string }): void {
  const [head = ''] = content.toString('utf8', 0, 4096).split('\n\n', 1);
  const lines = head.split('\n');
  if (!lines.includes(`object ${commit}`) || !lines.includes('type commit')) {
    throw new SignatureError(`it is not a tag of commit '${commit}'`);
  }
  const own = lines.find((line) => line.startsWith('tag '))?.slice('tag '.length);
  if (own !== name) throw new SignatureError(`it was made as tag '${own ?? ''}'`);
}
