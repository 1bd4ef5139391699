import { SignatureError } from './signature-error.ts';

/** A commit or tag, taken apart into what was signed and the signature. */
export interface SignedObject {
  payload: Buffer;
  /** Armored text; undefined when there is none. */
  signature: string | undefined;
}

const newline = 0x0a;
const space = 0x20;
const header = 'gpgsig ';
/** Of the same object in a repository of SHA-256, which this one is not. */
const otherHeader = 'gpgsig-sha256 ';
/** How a signature begins at the end of a tag. */
const armors = ['-----BEGIN PGP SIGNATURE-----', '-----BEGIN SSH SIGNATURE-----'];

/**
 * Takes the signature out of a commit, where it is a header.
 *
 * @throws SignatureError when there are several
 * @see https://git-scm.com/docs/gitformat-signature
 */
export function signedCommit(content: Buffer): SignedObject {
  const kept: Buffer[] = [];
  let signature: string | undefined;
  let at = 0;
  while (at < content.length && content[at] !== newline) {
    const end = endOfHeader(content, at);
    const text = content.subarray(at, end);
    if (startsWith(text, header)) {
      if (signature !== undefined) throw new SignatureError('it has several signatures');
      signature = unfolded(text.subarray(header.length));
    } else if (!startsWith(text, otherHeader)) kept.push(text);
    at = end;
  }
  return { payload: Buffer.concat([...kept, content.subarray(at)]), signature };
}

/** Takes the signature off a tag, where it follows the message. */
export function signedTag(content: Buffer): SignedObject {
  const starts = armors
    .map((armor) => content.lastIndexOf(`\n${armor}`))
    .filter((start) => start >= 0);
  if (starts.length === 0) return { payload: content, signature: undefined };
  const start = Math.min(...starts) + 1;
  return {
    payload: content.subarray(0, start),
    signature: content.toString('latin1', start),
  };
}

/** A header goes on in lines that begin with a space. */
function endOfHeader(content: Buffer, start: number): number {
  let end = start;
  do {
    const next = content.indexOf(newline, end);
    end = next < 0 ? content.length : next + 1;
  } while (content[end] === space);
  return end;
}

function unfolded(text: Buffer): string {
  return text.toString('latin1').replaceAll('\n ', '\n');
}

function startsWith(text: Buffer, start: string): boolean {
  return text.toString('latin1', 0, start.length) === start;
}
