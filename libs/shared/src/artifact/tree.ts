/** One regular file of a tree that becomes an artifact. */
export interface TreeEntry {
  /** Path below the root of the tree, with `/` between the parts. */
  path: string;
  executable: boolean;
  /** Bytes of the content, where they are known before it is read. */
  size?: number;
  /** Returns the content; called once, when its turn comes. */
  read(): Promise<Uint8Array> | Uint8Array;
  /** Returns the content in parts, for files that are too large to be held; goes with `size`. */
  stream?(): AsyncIterable<Uint8Array>;
}

/** A path that may not appear in an artifact, with the reason in the message. */
export class UnsafePathError extends Error {
  override name = 'UnsafePathError';
}

/**
 * Splits a path into its parts, after checking that it stays below the root it is joined to.
 *
 * @throws UnsafePathError for absolute paths, `.` and `..` parts, empty parts, backslashes and NUL
 */
export function safePathParts(path: string): string[] {
  if (path === '' || path.startsWith('/')) {
    throw new UnsafePathError(`path ${JSON.stringify(path)} must be relative and not empty`);
  }
  if (path.includes('\0') || path.includes('\\')) {
    throw new UnsafePathError(`path ${JSON.stringify(path)} must not contain NUL or a backslash`);
  }
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new UnsafePathError(
      `path ${JSON.stringify(path)} must not contain empty, '.' or '..' parts`,
    );
  }
  return parts;
}

/** Orders things by their paths as a walk does that visits the names of each directory by their bytes. */
export function sortByPath<T extends { path: string }>(items: T[]): T[] {
  return items
    .map((item) => ({ item, key: walkKey(item.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ item }) => item);
}

/** `/` sorts below every other byte of a name, so that `a/x` comes before `a-b`. */
function walkKey(path: string): Buffer {
  return Buffer.from(path.replaceAll('/', '\0'), 'utf8');
}
