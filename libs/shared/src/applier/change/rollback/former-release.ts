import type { HelmRelease } from '@sluice/shared/api';
import {
  chartOf,
  latestOf,
  previousOf,
  type ReleaseSnapshot,
  releaseOf,
} from '../../release-history.ts';
import type { WayBack } from './former-change.ts';

/** Returns the good release before the newest one, to which a HelmRelease goes back when somebody asks for it. */
export function formerRelease({
  spec,
  status,
}: Pick<HelmRelease, 'spec' | 'status'>): WayBack<ReleaseSnapshot> {
  const { history = [], held } = status ?? {};
  const latest = latestOf(history);
  if (latest === undefined) return { type: 'none', why: 'nothing was released yet' };
  if (held?.reason === 'RolledBack')
    return { type: 'none', why: `it is gone back already, to ${shown(latest)}` };
  if (held !== undefined)
    return {
      type: 'none',
      why: `another change waits (${held.reason}), and ${shown(latest)} stays until it is let through: change the source instead`,
    };
  const { upgrade, test } = spec;
  const ignoreTests = upgrade?.remediation?.ignoreTestFailures ?? test?.ignoreFailures ?? false;
  const to = previousOf(history, ignoreTests);
  if (to !== undefined) return { type: 'found', to };
  return { type: 'none', why: `no good release before ${shown(latest)} is known` };
}

function shown(snapshot: ReleaseSnapshot): string {
  return `${releaseOf(snapshot)} with chart ${chartOf(snapshot)}`;
}
