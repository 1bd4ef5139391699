import type { KubeObject } from '@sluice/shared/api';
import { auditedChanges } from '@sluice/shared/applier';
import {
  describeChanges,
  formatObjectId,
  type ObjectFate,
  type ObjectId,
  objectIdOf,
  type ReleaseState,
  releaseChanges,
  summarizeChanges,
} from '@sluice/shared/engine';
import type { LeftObjects } from '../action/context.ts';
import { objectsOf } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import type { UpgradeChanges } from './action.ts';
import type { Run } from './run.ts';

function stateOf({ manifest, config, chart }: Release): ReleaseState {
  const { name, version, appVersion } = chart.metadata;
  return { objects: objectsOf(manifest), values: config, chart: { name, version, appVersion } };
}

/** Returns what became of objects that a revision does not have any more; what is not left is gone. */
function fateIn({ terminating, kept }: LeftObjects, { namespace }: Release) {
  const idsOf = (objects: KubeObject[]) =>
    new Set(objects.map((object) => formatObjectId(objectIdOf(object))));
  const stay = idsOf(kept);
  const held = idsOf(terminating);
  return (id: ObjectId): ObjectFate => {
    // Manifests mostly leave the namespace out.
    const names = [formatObjectId(id), formatObjectId({ ...id, namespace })];
    if (names.some((name) => stay.has(name))) return 'kept';
    return names.some((name) => held.has(name)) ? 'deletion requested' : 'deleted';
  };
}

/** Says what an upgrade has changed; undefined when it changed nothing. */
export function describeUpgrade(
  run: Run,
  o: { from: Release; to: Release; left: LeftObjects | undefined },
): UpgradeChanges | undefined {
  const fateOf = o.left && fateIn(o.left, o.to);
  const changes = releaseChanges(stateOf(o.from), stateOf(o.to), fateOf);
  const summary = summarizeChanges(changes);
  if (summary === '') return undefined;
  const { masker } = run;
  return {
    summary: masker.mask(summary),
    text: masker.mask(describeChanges(changes)),
    objects: auditedChanges(changes, masker),
  };
}
