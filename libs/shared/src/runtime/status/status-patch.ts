import type { Condition, KindDefinition, KubeObject } from '@sluice/shared/api';
import type { Clock } from '@sluice/shared/base';
import { isConflict, isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';
import type { StatusChanges, StatusDraft, StatusOf } from '../reconciler.ts';
import {
  findCondition,
  progressingWithRetryReason,
  readyCondition,
  reconcilingCondition,
  stalledCondition,
  withCondition,
  withoutCondition,
} from './conditions.ts';
import { applyMergePatch, type Fields, mergePatchBetween, mergeStatus } from './status-merge.ts';

/** How often a status write is tried while others change the object. */
const maxTries = 5;

/** How a controller patches a status: as the manager of that name, whatever part of the controller does. */
export function statusPatch(controllerName: string) {
  return { type: 'merge', subresource: 'status', fieldManager: `gotk-${controllerName}` } as const;
}

/** The object whose status was to be written is gone, or another one has its name now. */
export class ObjectGoneError extends Error {
  override name = 'ObjectGoneError';
}

/** What a status draft needs. */
export interface StatusDraftOptions<T extends KubeObject> {
  object: T;
  kind: KindDefinition<T>;
  client: KubeClient;
  clock: Clock;
  controllerName: string;
  /** Hears of every object that a write returned. */
  onWritten?(object: T): void;
}

class Draft<T extends KubeObject> implements StatusDraft<T> {
  readonly observed: T;
  readonly status: StatusOf<T>;
  readonly #options: StatusDraftOptions<T>;
  readonly #generation: number;
  /** The object as the API server has it. */
  #object: T;
  /** The status of that. */
  #persisted: Fields;

  constructor(options: StatusDraftOptions<T>) {
    this.#options = options;
    this.observed = options.object;
    this.#generation = options.object.metadata.generation ?? 0;
    this.#object = options.object;
    this.#persisted = statusOf(options.object);
    this.status = structuredClone(this.#persisted) as StatusOf<T>;
  }

  get #fields(): Fields {
    return this.status as Fields;
  }

  get #conditions(): Condition[] {
    return (this.#fields['conditions'] ?? []) as Condition[];
  }

  getCondition(type: string): Condition | undefined {
    return findCondition(this.#conditions, type);
  }

  setCondition(condition: Parameters<StatusDraft<T>['setCondition']>[0]): void {
    this.#fields['conditions'] = withCondition(this.#conditions, condition, {
      persisted: (this.#persisted['conditions'] ?? []) as Condition[],
      generation: this.#generation,
      nowMs: this.#options.clock.now(),
    });
  }

  removeCondition(type: string): void {
    if (this.getCondition(type)) {
      this.#fields['conditions'] = withoutCondition(this.#conditions, type);
    }
  }

  reconciling(reason: string, message: string, options: { unready?: boolean } = {}): void {
    this.removeCondition(stalledCondition);
    this.setCondition({ type: reconcilingCondition, status: 'True', reason, message });
    const known = this.getCondition(readyCondition)?.status ?? 'Unknown';
    if (options.unready || known === 'Unknown') {
      this.setCondition({ type: readyCondition, status: 'Unknown', reason, message });
    }
  }

  ready(reason: string, message: string): void {
    this.setCondition({ type: readyCondition, status: 'True', reason, message });
    this.settled();
  }

  failed(reason: string, message: string, options: { stalled?: boolean } = {}): void {
    this.setCondition({ type: readyCondition, status: 'False', reason, message });
    if (options.stalled) this.settled({ reason, message });
    else this.retrying(message);
  }

  retrying(message: string): void {
    this.removeCondition(stalledCondition);
    const condition = { status: 'True', reason: progressingWithRetryReason, message } as const;
    this.setCondition({ type: reconcilingCondition, ...condition });
  }

  settled(stalled?: { reason: string; message: string }): void {
    this.removeCondition(reconcilingCondition);
    if (stalled === undefined) this.removeCondition(stalledCondition);
    else this.setCondition({ type: stalledCondition, status: 'True', ...stalled });
    this.#fields['observedGeneration'] = this.#generation;
  }

  undo(): StatusChanges | undefined {
    const changes = mergePatchBetween(this.#persisted, this.#fields);
    this.#replace(this.#persisted);
    return structuredClone(changes);
  }

  redo(changes: StatusChanges): void {
    this.#replace(applyMergePatch(this.#fields, changes));
  }

  async patch(): Promise<void> {
    if (!this.#options.kind.hasStatus) return;
    for (let tries = 1; ; tries += 1) {
      const change = mergePatchBetween(this.#persisted, this.#fields);
      if (!change) return;
      try {
        return await this.#write(change);
      } catch (error) {
        if (isNotFound(error)) throw new ObjectGoneError('The object is gone', { cause: error });
        if (!isConflict(error) || tries >= maxTries) throw error;
      }
      // The second writer in a row may be one of many: they should not meet again.
      if (tries > 1) await this.#options.clock.sleep(2 ** tries * Math.random());
      await this.#rebase();
    }
  }

  async #write(change: Fields): Promise<void> {
    const { client, kind, controllerName, onWritten } = this.#options;
    const sent = structuredClone(this.#fields);
    const { resourceVersion } = this.#object.metadata;
    const { metadata } = await client.patch<T>(
      resourceOf(kind as KindDefinition),
      this.observed.metadata,
      { metadata: { resourceVersion }, status: change },
      { ...statusPatch(controllerName), metadataOnly: true },
    );
    // Nobody has changed the rest since, or this would have been a conflict.
    this.#object = { ...this.#object, metadata, status: sent };
    this.#persisted = sent;
    onWritten?.(this.#object);
  }

  #replace(fields: Fields): void {
    const copy = structuredClone(fields);
    for (const key of Object.keys(this.#fields)) delete this.#fields[key];
    Object.assign(this.#fields, copy);
  }

  async #rebase(): Promise<void> {
    const { client, kind } = this.#options;
    const resource = resourceOf(kind as KindDefinition);
    const current = await client.get<T>(resource, this.observed.metadata).catch((error) => {
      throw isNotFound(error) ? new ObjectGoneError('The object is gone', { cause: error }) : error;
    });
    if (current.metadata.uid !== this.observed.metadata.uid) {
      throw new ObjectGoneError('Another object has its name now');
    }
    const theirs = statusOf(current);
    const merged = mergeStatus(this.#persisted, this.#fields, theirs);
    this.#replace(merged);
    this.#persisted = theirs;
    this.#object = current;
  }
}

function statusOf(object: KubeObject): Fields {
  return structuredClone((object as { status?: Fields }).status ?? {});
}

/**
 * Starts a status draft for an object.
 *
 * 1. A write is one merge patch on the status subresource with only the changed fields, under the field
 *    manager `gotk-<controllerName>`; without a change there is no request.
 * 2. A write never undoes someone else's: it is guarded by the resource version, and after a conflict our
 *    changes are merged into the current status, conditions by type. At most five tries.
 * 3. `observedGeneration` is that of the observed object, whatever the current one is by then.
 * 4. Transition times move only when a condition's status changes.
 */
export function createStatusDraft<T extends KubeObject>(
  options: StatusDraftOptions<T>,
): StatusDraft<T> {
  return new Draft(options);
}
