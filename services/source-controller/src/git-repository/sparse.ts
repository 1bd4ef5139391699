import type { TreeEntry } from '@sluice/shared/artifact';

/** A directory of `spec.sparseCheckout` that the repository does not have. */
export class MissingDirectoryError extends Error {
  override name = 'MissingDirectoryError';
}

/**
 * Takes the files below some directories.
 *
 * @param directories everything when empty
 * @throws MissingDirectoryError
 */
export function takeSparse(entries: TreeEntry[], directories: string[]): TreeEntry[] {
  if (isWhole(directories)) return entries;
  for (const directory of directories) {
    if (entries.some((entry) => entry.path.startsWith(`${directory}/`))) continue;
    throw new MissingDirectoryError(`sparse checkout dir '${directory}' does not exist`);
  }
  return entries.filter((entry) =>
    directories.some((directory) => entry.path.startsWith(`${directory}/`)),
  );
}

/** Tells whether something of a directory may be taken: it is, or is inside of, or around one of the directories. */
export function mayHold(path: string, directories: string[]): boolean {
  if (isWhole(directories)) return true;
  const own = `${path}/`;
  return directories.some(
    (directory) => own.startsWith(`${directory}/`) || `${directory}/`.startsWith(own),
  );
}

function isWhole(directories: string[]): boolean {
  return directories.length === 0 || directories.includes('');
}
