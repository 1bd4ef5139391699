/** The release that was made last, where the HelmRelease is deleted or its spec leads to another one now. */
export interface FormerRelease {
  name: string;
  /** Where its records are. */
  storageNamespace: string;
}

/** Something that is done to a release. The types are words of Helm: conditions, metrics and traces show them. */
export type Doing =
  | { type: 'install' }
  | { type: 'upgrade' }
  | { type: 'test' }
  | { type: 'unlock' }
  | { type: 'rollback'; version: number }
  /** Remediates, or ends an uninstallation that was cut short; with `former`, removes what is no longer wanted. */
  | { type: 'uninstall'; former?: FormerRelease };

/** Whether it removes a release that is no longer wanted. */
export function isOfFormer(doing: Doing): boolean {
  return doing.type === 'uninstall' && doing.former !== undefined;
}
