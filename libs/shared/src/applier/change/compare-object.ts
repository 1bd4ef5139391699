import type { KubeObject, PlannedChange, PlannedObject } from '@sluice/shared/api';
import { digestOfParts, secretMask } from '@sluice/shared/base';
import {
  type ApplierIdentity,
  confirmDrift,
  type DriftIgnoreRule,
  diffObjectValues,
  displayName,
  type FieldChange,
  formatObjectId,
  isAnswer,
  isLeftAlone,
  ObjectError,
  objectIdOf,
  type ValueChange,
} from '@sluice/shared/engine';
import { gvkOf, isNotFound, type KubeClient, NoKindMatchError } from '@sluice/shared/kube';

/** How objects are compared with the cluster. */
export interface ComparisonOptions {
  /** Of the account that would apply them. */
  client: KubeClient;
  identity: ApplierIdentity;
  /** Objects are deleted and created anew when a field that cannot change does. */
  force: boolean;
  ignore: DriftIgnoreRule[];
  /** Hides what must not be shown in texts and values. */
  mask(text: string): string;
  signal: AbortSignal;
}

/** What applying an object would do. */
export interface PlannedDifference {
  planned: PlannedObject;
  /** Of everything that differs, values included. */
  digest: string;
}

/** Longest text and most fields that are shown of one object. */
const maxText = 512;
const maxFields = 50;

/** Returns an object as plans name it. */
export function plannedObject(
  action: PlannedObject['action'],
  { apiVersion, kind, metadata }: KubeObject,
  more: Pick<PlannedObject, 'changes' | 'note'> = {},
): PlannedObject {
  const { name, namespace } = metadata;
  return { action, apiVersion, kind, ...(namespace && { namespace }), name, ...more };
}

function shown(value: unknown, mask: (text: string) => string): unknown {
  if (value === undefined || value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return value;
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  const text = mask(plain);
  if (text.length > maxText) return `${text.slice(0, maxText)}… (${text.length} characters)`;
  return text === plain ? value : text;
}

/** Differences are from the desired state to the live one; what people see goes the other way. */
function shownChanges(
  changes: readonly FieldChange[],
  { values, isSecret }: { values: readonly ValueChange[]; isSecret: boolean },
  mask: (text: string) => string,
): PlannedChange[] {
  const byPath = new Map(values.map((change) => [change.path, change]));
  return changes.slice(0, maxFields).map(({ path, kind, masked }): PlannedChange => {
    const found = byPath.get(path);
    // Annotations of a Secret may repeat its data.
    const hidden = masked || isSecret ? secretMask : undefined;
    const before = kind === 'removed' ? undefined : (hidden ?? shown(found?.to, mask));
    const after = kind === 'added' ? undefined : (hidden ?? shown(found?.from, mask));
    return {
      path: mask(path),
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
    };
  });
}

/** Returns that an object is deleted, as a difference. */
export function plannedDeletion(object: KubeObject): PlannedDifference {
  return { planned: plannedObject('Delete', object), digest: digestOf('Delete', object, '') };
}

function digestOf(action: string, object: KubeObject, differences: unknown): string {
  const id = formatObjectId(objectIdOf(object));
  return digestOfParts([action, id, JSON.stringify(differences) ?? '']);
}

/** What cannot be compared yet, because the change itself has to come first; undefined for what is wrong otherwise. */
function whyNotYet(error: ObjectError): string | undefined {
  if (error.missing !== undefined) return 'Its kind is not served yet';
  return error.status === 404 ? 'Its namespace is not there yet' : undefined;
}

function refused(desired: KubeObject, error: unknown, o: ComparisonOptions): PlannedDifference {
  if (!(error instanceof ObjectError)) throw error;
  const later = whyNotYet(error);
  if (later !== undefined)
    return {
      planned: plannedObject('Create', desired, { note: later }),
      digest: digestOf('Create', desired, later),
    };
  if (!isAnswer(error)) throw error;
  const action = error.isImmutable && o.force ? 'Recreate' : 'Change';
  const why = `${action === 'Recreate' ? 'It is created anew' : 'It would be refused'}: ${error.message}`;
  const note = o.mask(why).slice(0, 2 * maxText);
  return {
    planned: plannedObject(action, desired, { note }),
    digest: digestOf(action, desired, error.reason ?? ''),
  };
}

async function liveOf(
  desired: KubeObject,
  { client, signal }: ComparisonOptions,
): Promise<KubeObject | undefined> {
  try {
    const resource = await client.mapper.resourceFor(gvkOf(desired));
    return await client.get<KubeObject>(resource, desired.metadata, { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isNotFound(error)) return undefined;
    if (error instanceof NoKindMatchError)
      throw new ObjectError(
        objectIdOf(desired),
        `${displayName(desired)}: ${error.message}`,
        error,
      );
    throw error;
  }
}

/**
 * Finds out what applying an object would do: a look at it and a dry-run, as the account that would apply it.
 *
 * @returns undefined when it would do nothing
 * @throws ObjectError, ApiError, ConnectionError when that cannot be found out now; the signal's reason when aborted
 */
export async function compareObject(
  desired: KubeObject,
  o: ComparisonOptions,
): Promise<PlannedDifference | undefined> {
  try {
    const live = await liveOf(desired, o);
    if (isLeftAlone(desired, live, o.identity.annotationPrefix)) return undefined;
    let expected = desired;
    const drift = await confirmDrift({
      ...o,
      desired,
      live,
      onExpected: (object) => {
        expected = object;
      },
    });
    if (drift === undefined) return undefined;
    if (drift.deleted || live === undefined)
      return { planned: plannedObject('Create', desired), digest: digestOf('Create', desired, '') };
    const values = diffObjectValues(expected, live);
    const isSecret = desired.kind === 'Secret';
    const changes = shownChanges(drift.changes, { values, isSecret }, o.mask);
    const more = drift.changes.length - changes.length;
    const note = more > 0 ? { note: `${more} more fields change` } : {};
    return {
      planned: plannedObject('Change', desired, { changes, ...note }),
      digest: digestOf('Change', desired, values),
    };
  } catch (error) {
    o.signal.throwIfAborted();
    return refused(desired, error, o);
  }
}
