import type { KubeObject, PlannedObject } from '@sluice/shared/api';
import {
  type ChangePlan,
  compareObjects,
  type PlannedDifference,
  plannedDeletion,
  plannedObject,
  planOf,
} from '@sluice/shared/applier';
import { digestOfParts } from '@sluice/shared/base';
import { formatObjectId, objectIdOf } from '@sluice/shared/engine';
import type { ActionContext } from '../../action/context.ts';
import type { Varying } from './agreement.ts';
import type { NextRelease, PlannedHook } from './next-release.ts';
import type { PlannedDeletion } from './planned-deletions.ts';

/** What a plan is made of. */
export interface PlanParts {
  changeDigest: string;
  next: NextRelease;
  deletions: readonly PlannedDeletion[];
  /** Hooks of a release that is uninstalled before. */
  formerHooks: readonly PlannedHook[];
  /** What templates make another way each time, by formatted id. */
  varying: ReadonlyMap<string, Varying>;
}

const varyingNote =
  'The chart makes it another way each time; what differs is not part of the digest of the plan';
const anewNote = 'The release that it belongs to is uninstalled before';

function idOf(object: KubeObject): string {
  return formatObjectId(objectIdOf(object));
}

/** Names an object of a plan, which has no more than that. */
function idOfPlanned({ apiVersion, kind, namespace, name }: PlannedObject): string {
  return idOf({ apiVersion, kind, metadata: { name, ...(namespace && { namespace }) } });
}

function joined(...notes: (string | undefined)[]): string {
  return notes.filter((note) => note !== undefined && note !== '').join('. ');
}

/** Leaves out of the digest what is another thing at each rendering: a plan must be the same until something changes. */
function settled({ planned, digest }: PlannedDifference, o: PlanParts): PlannedDifference {
  const found = o.varying.get(idOfPlanned(planned));
  if (found === undefined) return { planned, digest };
  const { action, kind, namespace = '' } = planned;
  const parts =
    found.agreed === undefined
      ? [action, kind, namespace]
      : [action, idOfPlanned(planned), JSON.stringify(found.agreed)];
  return {
    planned: { ...planned, note: joined(planned.note, varyingNote) },
    digest: digestOfParts(parts),
  };
}

/** An object without a name gets one from the API server, and is a new one each time. */
function nameless(object: KubeObject): PlannedDifference {
  const { generateName = '' } = object.metadata as { generateName?: string };
  const named = { ...object, metadata: { ...object.metadata, name: generateName } };
  return {
    planned: plannedObject('Create', named, { note: 'The API server makes its name' }),
    digest: digestOfParts(['Create', idOf(named)]),
  };
}

function deletion({ object, refusal }: PlannedDeletion): PlannedDifference {
  const { planned, digest } = plannedDeletion(object);
  const note = refusal === undefined ? {} : { note: `It would be refused: ${refusal}` };
  return { planned: { ...planned, ...note }, digest };
}

function recreation(object: KubeObject): PlannedDifference {
  return {
    planned: plannedObject('Recreate', object, { note: anewNote }),
    digest: digestOfParts(['Recreate', idOf(object)]),
  };
}

function hook({ object, events }: PlannedHook): PlannedDifference {
  return {
    planned: plannedObject('Hook', object, { note: events.join(', ') }),
    digest: digestOfParts(['Hook', idOf(object), ...events, JSON.stringify(object)]),
  };
}

/**
 * Makes the plan of a release: what its objects and the CRDs of its chart would change, by a dry-run as the account that
 * would apply them, what is deleted, and the hooks that run.
 *
 * @throws ObjectError, ApiError, ConnectionError when that cannot be found out now; the signal's reason when aborted
 */
export async function planRelease(
  { client, identity, masker, signal, concurrency, slots }: ActionContext,
  parts: PlanParts,
): Promise<ChangePlan> {
  const { next, deletions, formerHooks } = parts;
  const doomed = new Set(deletions.map(({ object }) => idOf(object)));
  const made = [...next.crds, ...next.objects];
  const ids = new Set(made.map(idOf));
  const isAnew = (object: KubeObject) => doomed.has(idOf(object));
  const named = made.filter((object) => object.metadata.name !== '');
  const compared = await slots.run(() =>
    compareObjects(
      named.filter((object) => !isAnew(object)),
      {
        client,
        identity,
        force: false,
        // An action writes them, whatever drift is ignored afterwards.
        ignore: [],
        mask: (text) => masker.mask(text),
        signal,
        concurrency,
      },
    ),
  );
  const differences = [
    ...deletions.filter(({ object }) => !ids.has(idOf(object))).map(deletion),
    ...named.filter(isAnew).map(recreation),
    ...made.filter((object) => object.metadata.name === '').map(nameless),
    ...compared,
    ...[...formerHooks, ...next.hooks].map(hook),
  ];
  return planOf(
    parts.changeDigest,
    differences.map((difference) => settled(difference, parts)),
  );
}
