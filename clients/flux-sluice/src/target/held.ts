import type { HelmReleaseStatus } from '@sluice/shared/api';
import { oneLine } from '../output/clean.ts';

export type Held = NonNullable<HelmReleaseStatus['held']>;

const reasons: Record<Held['reason'], string> = {
  Window: 'It waits for a Window',
  Approval: 'It waits for an Approval',
  PruneGuard: 'It waits for an Approval, because it deletes much',
  Plan: 'It is only planned, as spec.changePolicy.mode says',
  Rejected: 'It was rejected',
  RolledBack: 'It was rolled back, and is not applied again',
};

/** Says in a sentence why a change waits. */
export function heldText(held: Held | undefined): string {
  if (held === undefined) return 'It is being applied, or about to be.';
  const reason = reasons[held.reason] ?? `It waits: ${oneLine(held.reason)}`;
  return held.until === undefined ? `${reason}.` : `${reason}, until ${oneLine(held.until)}.`;
}
