import type { KubeObject } from '@sluice/shared/api';
import {
  ApiError,
  type ApiResource,
  gvkOf,
  isNotFound,
  type KubeClient,
} from '@sluice/shared/kube';
import { objectError } from '../apply/apply-error.ts';
import { payloadOf } from '../apply/apply-payload.ts';
import { applyAs } from '../apply/undeclared-fields.ts';
import { compactObject } from '../object/compact-object.ts';
import { diffObjects, type FieldChange } from '../object/object-diff.ts';
import { type ObjectId, objectIdOf } from '../object/object-id.ts';
import type { ApplierIdentity } from '../owner/applier-identity.ts';
import {
  type DriftIgnoreRule,
  ignoredPaths,
  isExemptAsWhole,
  matchesAnyRule,
  settleIgnored,
  withoutAll,
} from './drift-ignore.ts';
import { operationalRules } from './operational-fields.ts';

/** How an object in the cluster differs from its source. */
export interface Drift {
  id: ObjectId;
  /** The object is gone. */
  deleted: boolean;
  /** From the source's state to the live one: `added` is what only the live object has. */
  changes: FieldChange[];
}

export interface ConfirmDriftOptions {
  client: KubeClient;
  identity: ApplierIdentity;
  /** The object of the source, with everything that an apply would send. */
  desired: KubeObject;
  /** The object as it is, whole or compact; undefined when it seems gone. */
  live: KubeObject | undefined;
  ignore?: DriftIgnoreRule[];
  signal?: AbortSignal;
  /** Is given the object as an apply would leave it, with what we would own of it. */
  onExpected?(expected: KubeObject): void;
}

/**
 * Asks the API server by a dry-run what applying an object would change, and returns that, or undefined when it would
 * change nothing. Makes one request, and further ones when rules exempt fields of the object, it has lost the labels by
 * which it was watched, or someone changes it at the same time.
 *
 * @throws ObjectError when the server refuses the object, without values of Secrets
 */
export async function confirmDrift(o: ConfirmDriftOptions): Promise<Drift | undefined> {
  try {
    return await compareWithDryRun(o);
  } catch (error) {
    o.signal?.throwIfAborted();
    throw objectError(o.desired, 'comparison', error);
  }
}

/** Rounds in which an object may change between the look at it and the dry-run. */
const maxRounds = 3;

async function compareWithDryRun(o: ConfirmDriftOptions): Promise<Drift | undefined> {
  const resource = await o.client.mapper.resourceFor(gvkOf(o.desired));
  const payload = payloadOf(o.desired, resource);
  const rules = [...(o.ignore ?? []), ...operationalRules(payload)];
  if (isExemptAsWhole(payload, rules)) return undefined;
  const ignoring = matchesAnyRule(payload, rules);
  const id = objectIdOf(payload);
  // What the cache holds lacks the managers that decide on exempted fields; what it lost may only have lost its label.
  let live = ignoring || o.live === undefined ? await fetch(payload, resource, o) : o.live;
  for (let round = 1; live !== undefined; round++) {
    const sent = ignoring
      ? settleIgnored(payload, live, { rules, fieldManager: o.identity.fieldManager })
      : payload;
    const expected = await dryRun(sent, resource, o);
    if (expected === undefined) break;
    o.onExpected?.(expected);
    // A dry-run answers with the version that it started from, so other writers' changes since are known.
    if (round === maxRounds || isSameState(expected, live)) {
      const changes = compare({ expected, live, ignored: ignoredPaths(payload, rules) }, o);
      return changes.length === 0 ? undefined : { id, deleted: false, changes };
    }
    live = await fetch(payload, resource, o);
  }
  return { id, deleted: true, changes: [] };
}

function isSameState(expected: KubeObject, live: KubeObject): boolean {
  const { resourceVersion } = expected.metadata;
  return resourceVersion === undefined || resourceVersion === live.metadata.resourceVersion;
}

async function fetch(
  payload: KubeObject,
  resource: ApiResource,
  { client, signal }: ConfirmDriftOptions,
): Promise<KubeObject | undefined> {
  try {
    const { namespace, name } = payload.metadata;
    return await client.get<KubeObject>(resource, { namespace, name }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Returns the object as an apply would leave it; undefined when the apply would create it. */
async function dryRun(
  payload: KubeObject,
  resource: ApiResource,
  o: ConfirmDriftOptions,
): Promise<KubeObject | undefined> {
  try {
    const result = await applyAs(o, resource, payload, { dryRun: true });
    return result.created ? undefined : result.object;
  } catch (error) {
    if (isDryRunRefused(error)) return payload;
    throw error;
  }
}

/** Webhooks with side effects refuse dry-runs; the object of the source then stands for what they would make of it. */
function isDryRunRefused(error: unknown): boolean {
  return error instanceof ApiError && error.status === 400 && error.message.includes('dry run');
}

interface Compared {
  expected: KubeObject;
  live: KubeObject;
  ignored: string[][];
}

function compare(
  { expected, live, ignored }: Compared,
  { identity }: ConfirmDriftOptions,
): FieldChange[] {
  const [from, to] = [expected, live].map((object) =>
    withoutAll(compactObject(object, identity), ignored),
  ) as [KubeObject, KubeObject];
  // Without a dry-run result, what the server adds to the source's object is no drift.
  const whole = expected.metadata.uid !== undefined;
  return diffObjects(from, to).filter((change) => whole || change.kind !== 'added');
}
