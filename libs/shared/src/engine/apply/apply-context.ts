import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, apiVersionString, gvkOf, type KubeClient } from '@sluice/shared/kube';
import type { DriftIgnoreRule } from '../drift/drift-ignore.ts';
import type { ObjectId } from '../object/object-id.ts';
import type { ApplierIdentity } from '../owner/applier-identity.ts';
import type { OwnedObjects } from '../owner/owned-objects.ts';
import type { Protection } from '../prune/deletion-protection.ts';
import type { TakeOver } from './apply-managers.ts';

export interface ApplyOptions {
  client: KubeClient;
  /** As what to apply. */
  identity: ApplierIdentity;
  /** Recreates objects whose immutable fields change. */
  force?: boolean;
  /** Requests under way at a time. */
  concurrency: number;
  signal?: AbortSignal;
  /** What the owner may know of its objects, by which unchanged and excluded ones are known without a request. */
  live?: Pick<OwnedObjects, 'ensure' | 'get'>;
  /** Milliseconds that definitions may take to be served, and recreated objects to be gone; 60,000 unless told. */
  establishTimeoutMs?: number;
  /** What must not be deleted to be created anew. */
  protection?: Protection;
  /** Kinds applied in a stage of their own, as `<group>/<kind>`. */
  customStageKinds?: string[];
  /** Fields that are left to others once an object exists. */
  ignore?: DriftIgnoreRule[];
  /** Nothing new is expected: an object is written to only when a dry-run says that this changes more than its managed fields. */
  expectEqual?: boolean;
  /**
   * Whether a live object is what sending an object once more would make of it, as far as its owner's own record tells;
   * it is not sent then.
   */
  isSettled?(sent: KubeObject, live: KubeObject): boolean;
  /** Objects, by formatted id, that are left alone where there are none. */
  onlyIfPresent?: ReadonlySet<string>;
  /** Is called, and waited for, before each write to an object; not for what need not be written. Must not throw. */
  beforeWrite?(): Promise<void>;
  /** What is taken over from the managers that are overridden; all unless told. */
  takeOver?: TakeOver;
}

export type ApplyAction = 'created' | 'configured' | 'unchanged' | 'skipped' | 'recreated';

export interface AppliedChange {
  /** The object as the server returned it; for a skipped one as it is in the cluster if that is known. */
  object: KubeObject;
  id: ObjectId;
  action: ApplyAction;
  /** What the server was given, or would be given again; undefined for one that was not sent. */
  sent?: KubeObject | undefined;
  /** A configured one as the watches had it before, if they did; values that may be large or secret are digests. */
  before?: KubeObject | undefined;
}

export interface ObjectFailure {
  id: ObjectId;
  error: Error;
}

export interface ApplyResult {
  changes: AppliedChange[];
  failures: ObjectFailure[];
}

/** What the steps of one apply share. */
export interface ApplyContext extends ApplyOptions {
  timeoutMs: number;
  /** Finds the resource of an object, and lets the live state of its kind be known if it can be. */
  resourceOf(object: KubeObject): Promise<ApiResource>;
  /** Kinds that the definitions of this run have added, which discovery may list only later. */
  learned: ApiResource[];
  /** Makes kinds be looked up anew. */
  refreshKinds(): void;
}

const defaultTimeoutMs = 60_000;

/** Prepares what the steps of one apply share. */
export function applyContext(o: ApplyOptions): ApplyContext {
  const known = new Map<string, Promise<ApiResource>>();
  const find = async (object: KubeObject) => {
    const resource = await o.client.mapper.resourceFor(gvkOf(object));
    // Live state spares requests and refines the report. Without it the apply is just as right, so a kind which may
    // not be watched, or whose watch does not come up, is no failure here; its owner hears of it from `ensure`.
    await o.live?.ensure(resource, object.metadata.namespace).catch(() => undefined);
    return resource;
  };
  const learned: ApiResource[] = [];
  return {
    ...o,
    learned,
    refreshKinds() {
      known.clear();
      o.client.mapper.invalidate();
      o.client.mapper.learn(learned);
    },
    timeoutMs: o.establishTimeoutMs ?? defaultTimeoutMs,
    resourceOf(object) {
      const { namespace = '' } = object.metadata;
      const key = `${apiVersionString(gvkOf(object))} ${object.kind} ${namespace}`;
      const found = known.get(key) ?? find(object);
      known.set(key, found);
      // A kind that is not served yet may be so on the next attempt.
      found.catch(() => known.delete(key));
      return found;
    },
  };
}
