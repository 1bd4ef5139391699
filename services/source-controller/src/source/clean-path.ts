import { safePathParts, UnsafePathError } from '@sluice/shared/artifact';
import { StalledError } from '@sluice/shared/base';

/**
 * Normalizes a path that a user named: no leading `./`, no trailing slash, empty for the root.
 *
 * @param field for the message
 * @throws StalledError `IllegalPath` when it would leave the root
 */
export function cleanPath(path: string, field: string): string {
  const clean = path.replace(/^(?:\.?\/+)+/, '').replace(/\/+$/, '');
  if (clean === '' || clean === '.') return '';
  try {
    return safePathParts(clean).join('/');
  } catch (cause) {
    if (!(cause instanceof UnsafePathError)) throw cause;
    throw new StalledError('IllegalPath', `${field} '${path}' must be inside the root`, { cause });
  }
}
