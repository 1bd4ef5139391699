import type { HelmRelease, Kustomization } from '@sluice/shared/api';
import { chartOf, formerChange, formerRelease, latestOf, releaseOf } from '@sluice/shared/applier';
import { CliError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { nameOf, type Target } from '../target/target.ts';

/** From where it is gone back, and to what. */
export interface Way {
  /** As the annotation names it. */
  from: string;
  /** For people. */
  present: string;
  former: string;
}

/**
 * Finds out what going back means for an object, as its controller does.
 *
 * @throws CliError when it is suspended, or there is nothing to go back to, with the fix
 */
export function wayBack(target: Target): Way {
  const { changePolicy, suspend } = target.spec;
  if (suspend) throw new CliError(`${nameOf(target)} is suspended: resume it first`);
  if (changePolicy?.mode === 'Plan')
    throw cannot(target, 'spec.changePolicy.mode is Plan, so that nothing is applied');
  return target.kind === 'Kustomization'
    ? wayOfChange(target as Kustomization)
    : wayOfRelease(target as HelmRelease);
}

function wayOfChange(target: Kustomization): Way {
  const back = formerChange(target);
  const { change } = target.status ?? {};
  if (back.type === 'none') throw cannot(target, back.why);
  return {
    from: change?.digest ?? '',
    present: `revision ${oneLine(change?.revision ?? '')}`,
    former: `revision ${oneLine(back.to.revision)}`,
  };
}

function wayOfRelease(target: HelmRelease): Way {
  const back = formerRelease(target);
  const latest = latestOf(target.status?.history ?? []);
  if (back.type === 'none') throw cannot(target, back.why);
  if (latest === undefined) throw cannot(target, 'nothing was released yet');
  const named = (one: typeof latest) => oneLine(`${releaseOf(one)} with chart ${chartOf(one)}`);
  return { from: releaseOf(latest), present: named(latest), former: named(back.to) };
}

function cannot(target: Target, why: string): CliError {
  return new CliError(`${nameOf(target)} cannot go back: ${oneLine(why)}`);
}
