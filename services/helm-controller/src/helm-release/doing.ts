/** Something that is done to a release. */
export type Doing =
  | { type: 'install' }
  | { type: 'upgrade' }
  | { type: 'test' }
  | { type: 'unlock' }
  | { type: 'rollback'; version: number }
  /** Remediates, or ends an uninstallation that was cut short. */
  | { type: 'uninstall' }
  /** Uninstalls a release that is no longer wanted. */
  | { type: 'leave'; name: string; storageNamespace: string };
