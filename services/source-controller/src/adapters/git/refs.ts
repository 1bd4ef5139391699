import { ProtocolError } from './git-error.ts';

// Own code because isomorphic-git takes whatever a server calls an object id, and says of a reference's name only
// that it is not valid, never why.

/** A reference that a server offers. */
export interface Ref {
  name: string;
  /** The commit, or the tag object. */
  oid: string;
  /** The commit that a tag object leads to. */
  peeled?: string;
}

const oidPattern = /^[0-9a-f]{40}$/;

/** Tells whether a text is the full SHA-1 of an object. */
export function isOid(text: string): boolean {
  return oidPattern.test(text);
}

/**
 * Checks an object id that a server sent.
 *
 * @throws ProtocolError when it is none
 */
export function checkedOid(text: string): string {
  if (!isOid(text)) throw new ProtocolError(`'${text.slice(0, 80)}' is not a SHA-1 object id`);
  return text;
}

/** Characters and sequences that Git forbids in names of references. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is forbidden
const forbidden = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)/;

/**
 * Returns why a name cannot be the name of a reference; undefined when it can.
 *
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function refNameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (name.startsWith('-')) return 'must not start with a dash';
  if (name.startsWith('/') || name.endsWith('/')) return 'must not start or end with a slash';
  if (name.startsWith('.') || name.endsWith('.')) return 'must not start or end with a dot';
  if (forbidden.test(name)) return 'holds characters that Git does not allow in references';
  return undefined;
}
