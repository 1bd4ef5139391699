import type { Release } from '../release/release.ts';
import type { StoredRevision } from '../release/release-secret.ts';

/** How the stored release compares with what is desired. */
export type ReleaseCondition =
  /** There is none, or it was uninstalled. */
  | { type: 'absent' }
  /** An action on it was never finished. */
  | { type: 'pending'; release: Release; revision: StoredRevision }
  /** Somebody else made or changed it. */
  | { type: 'unmanaged'; why: string }
  | { type: 'failed' }
  /** An uninstallation was cut short. */
  | { type: 'uninstalling'; release: Release; revision: StoredRevision }
  /** It is good, but another one is desired. */
  | { type: 'out-of-sync'; why: string }
  /** It is as desired, but its tests have not run. */
  | { type: 'untested' }
  /** It is as desired. */
  | { type: 'in-sync'; release: Release; revision: StoredRevision };
