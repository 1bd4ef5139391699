import {
  describeChanges,
  type ReleaseState,
  releaseChanges,
  summarizeChanges,
} from '@sluice/shared/engine';
import { objectsOf } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import type { Run } from './run.ts';
import type { UpgradeChanges } from './state.ts';

function stateOf({ manifest, config, chart }: Release): ReleaseState {
  const { name, version, appVersion } = chart.metadata;
  return { objects: objectsOf(manifest), values: config, chart: { name, version, appVersion } };
}

/** Says what an upgrade changes; undefined when it changes nothing. */
export function describeUpgrade(run: Run, from: Release, to: Release): UpgradeChanges | undefined {
  const changes = releaseChanges(stateOf(from), stateOf(to));
  const summary = summarizeChanges(changes);
  if (summary === '') return undefined;
  const { masker } = run;
  return { summary: masker.mask(summary), text: masker.mask(describeChanges(changes)) };
}
