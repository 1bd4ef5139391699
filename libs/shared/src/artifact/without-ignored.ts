import { BudgetError } from '../base/index.ts';
import {
  createIgnore,
  defaultIgnoreLimits,
  type IgnoreFile,
  type IgnoreLimits,
  ignoreFileName,
} from './ignore.ts';
import type { TreeEntry } from './tree.ts';

/** Bytes of all `.sourceignore` files of a source together. */
const maxIgnoreFileBytes = 1024 * 1024;

/**
 * Leaves out the files of a source that its `.sourceignore` files and `spec.ignore` exclude.
 *
 * @throws BudgetError when the patterns are too many, too long, or cost too much to match
 */
export async function withoutIgnored(
  entries: readonly TreeEntry[],
  specIgnore: string | undefined,
  limits: IgnoreLimits = defaultIgnoreLimits,
): Promise<TreeEntry[]> {
  const sourceignoreFiles: IgnoreFile[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const slash = entry.path.lastIndexOf('/');
    if (entry.path.slice(slash + 1) !== ignoreFileName) continue;
    const content = Buffer.from(await entry.read());
    bytes += content.length;
    if (bytes > maxIgnoreFileBytes) {
      throw new BudgetError(
        `the ${ignoreFileName} files hold more than ${maxIgnoreFileBytes} bytes`,
      );
    }
    const dir = entry.path.slice(0, Math.max(0, slash));
    sourceignoreFiles.push({ dir, content: content.toString('utf8') });
  }
  const isIgnored = createIgnore({ sourceignoreFiles, specIgnore, limits });
  return entries.filter((entry) => !isIgnored(entry.path, false));
}
