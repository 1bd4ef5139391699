import {
  artifactGeneratorKind,
  generatorReconcileAnnotation,
  type KindDefinition,
  type KubeObject,
  suspendByAnnotation,
  suspendReasonAnnotation,
  suspendUntilAnnotation,
} from '@sluice/shared/api';
import { type Clock, type Logger, parseTime } from '@sluice/shared/base';
import { isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';
import type { Settlement } from './outcome.ts';
import type { EventRecorder, Reconciler, StatusDraft } from './reconciler.ts';
import { conditionsOf, findCondition, isSuspended, messageText } from './status/conditions.ts';
import { createStatusDraft, ObjectGoneError } from './status/status-patch.ts';

/** Condition of a suspended object that says why, by whom, or until when. */
export const suspendedCondition = 'Suspended';
/** Reason of {@link suspendedCondition} and of the event that announces it. */
const suspendedReason = 'Suspended';
/** Reason when an annotation about a suspension cannot be used. */
const invalidSuspensionReason = 'InvalidSuspension';
/** Reason of the event when a suspension has ended. */
const resumedReason = 'Resumed';

const annotations = [suspendReasonAnnotation, suspendByAnnotation, suspendUntilAnnotation];
/** Most characters of what somebody wrote into an annotation. */
const maxText = 500;

/** What a suspension needs to be dealt with. */
export interface SuspensionOptions<T extends KubeObject> {
  reconciler: Reconciler<T>;
  client: KubeClient;
  events: EventRecorder;
  clock: Clock;
  onSuspension?: SuspensionListener<T> | undefined;
}

/** That an object was suspended, or goes on. */
export interface SuspensionChange<T extends KubeObject> {
  type: 'suspend' | 'resume';
  /** As it is, or, of one that is about to go on by itself, was. */
  object: T;
  /** Generation of the object with which it is so. */
  generation: number;
  /** Why it goes on, when that is not somebody's doing. */
  text?: string;
}

/** Hears of suspensions: of one that ends by itself before, of others after it was seen. Must not throw. */
export type SuspensionListener<T extends KubeObject> = (
  change: SuspensionChange<T>,
) => Promise<void>;

/** Returns what two states of an object say of its suspension; undefined when that is the same in both. */
export function suspensionChange<T extends KubeObject>(
  object: T,
  previous: T | undefined,
): SuspensionChange<T> | undefined {
  const type = isSuspended(object) ? 'suspend' : 'resume';
  const before = previous !== undefined && isSuspended(previous) ? 'suspend' : 'resume';
  if (type === before) return undefined;
  return { type, object, generation: object.metadata.generation ?? 0 };
}

/** A suspended object. */
export interface SuspendedJob<T extends KubeObject> {
  object: T;
  logger: Logger;
  onWritten(object: T): void;
}

/** What the annotations of a suspended object say. */
interface Suspension {
  message: string;
  /** Milliseconds since the epoch at which it ends. */
  untilMs?: number;
  /** Why an annotation cannot be used. */
  problem?: string;
}

/** Whether one of the annotations about suspensions differs between two states of an object. */
export function saysOtherSuspension(object: KubeObject, previous: KubeObject): boolean {
  const of = (one: KubeObject, name: string) => one.metadata.annotations?.[name];
  return annotations.some((name) => of(object, name) !== of(previous, name));
}

function suspensionOf({ metadata }: KubeObject): Suspension | undefined {
  const textOf = (name: string) => messageText(metadata.annotations?.[name] ?? '', maxText).trim();
  const [reason, by, until] = annotations.map(textOf) as [string, string, string];
  if (reason === '' && by === '' && until === '') return undefined;
  const message = `Suspended${by && ` by ${by}`}${until && ` until ${until}`}${reason && `: ${reason}`}`;
  if (until === '') return { message };
  const untilMs = parseTime(until);
  if (untilMs !== undefined) return { message, untilMs };
  const problem = `annotation ${suspendUntilAnnotation} '${until}' is no time: write one such as 2026-01-31T18:00:00Z; it stays suspended`;
  return { message, problem };
}

const never: Settlement = {
  result: 'success',
  terminal: false,
  requeue: { how: 'never', forget: true },
};

/**
 * Deals with a suspended object: nothing is done for it, but what its annotations say is shown, and it is resumed when its
 * suspension ends. Only what was shown as suspended before is resumed, so that a time that is over when somebody
 * suspends an object, left there by an earlier suspension, does not end the new one at once.
 *
 * @throws ApiError, ConnectionError when the object cannot be written
 */
export async function holdSuspended<T extends KubeObject>(
  job: SuspendedJob<T>,
  options: SuspensionOptions<T>,
): Promise<Settlement> {
  const { object, logger } = job;
  const status = draftOf(job, options);
  const before = status.getCondition(suspendedCondition);
  logger.info('Reconciliation is suspended for this object');
  let suspension = suspensionOf(object);
  const nowMs = options.clock.now();
  if (suspension?.untilMs !== undefined && suspension.untilMs <= nowMs) {
    if (before?.reason === suspendedReason) return resume(job, options, suspension.message);
    const problem = `annotation ${suspendUntilAnnotation} was over before the object was suspended; it stays suspended`;
    suspension = { message: suspension.message, problem };
  }
  await show(job, options, { status, suspension });
  if (suspension?.untilMs === undefined) return never;
  const ms = suspension.untilMs - nowMs;
  return { ...never, requeue: { how: 'after', ms, priority: 'sync', forget: true } };
}

/**
 * Takes away what is left of a suspension that somebody has ended: the condition, and the annotations, which must not
 * hold for the next one.
 *
 * @returns the object as it is then
 * @throws ApiError, ConnectionError when the object cannot be written
 */
export async function forgetSuspension<T extends KubeObject>(
  job: SuspendedJob<T>,
  options: SuspensionOptions<T>,
): Promise<T> {
  const { object } = job;
  if (findCondition(conditionsOf(object), suspendedCondition) === undefined) return object;
  return suspensionOf(object) === undefined ? object : change(job, options, {});
}

function draftOf<T extends KubeObject>(
  { object, onWritten }: SuspendedJob<T>,
  { reconciler, client, clock }: SuspensionOptions<T>,
): StatusDraft<T> {
  const { kind, controllerName } = reconciler;
  return createStatusDraft({ object, kind, client, clock, controllerName, onWritten });
}

async function show<T extends KubeObject>(
  { object }: SuspendedJob<T>,
  { events }: SuspensionOptions<T>,
  { status, suspension }: { status: StatusDraft<T>; suspension: Suspension | undefined },
): Promise<void> {
  if (suspension === undefined) {
    status.removeCondition(suspendedCondition);
    return status.patch();
  }
  const { message, problem } = suspension;
  const reason = problem === undefined ? suspendedReason : invalidSuspensionReason;
  const text = problem === undefined ? message : `${message}; ${problem}`;
  const before = status.getCondition(suspendedCondition);
  status.setCondition({ type: suspendedCondition, status: 'True', reason, message: text });
  if (before?.reason !== reason || before.message !== text) {
    const severity = problem === undefined ? 'info' : 'error';
    await events.record(object, { severity, reason, message: text });
  }
  await status.patch();
}

async function resume<T extends KubeObject>(
  job: SuspendedJob<T>,
  options: SuspensionOptions<T>,
  message: string,
): Promise<Settlement> {
  const text = `${message}; it has ended, and the object is resumed`;
  const { object } = job;
  const generation = (object.metadata.generation ?? 0) + 1;
  await options.onSuspension?.({ type: 'resume', object, generation, text });
  await change(job, options, resumption(object));
  job.logger.info({ suspension: message }, 'The suspension has ended; the object is resumed');
  await options.events.record(job.object, {
    severity: 'info',
    reason: resumedReason,
    message: text,
  });
  return never;
}

/** What makes an object go on. */
function resumption({ kind }: KubeObject): { annotations?: object; spec?: object } {
  return kind === artifactGeneratorKind.kind
    ? { annotations: { [generatorReconcileAnnotation]: null } }
    : { spec: { suspend: false } };
}

/** Removes the annotations about the suspension, and changes more, exactly in the state that was looked at. */
async function change<T extends KubeObject>(
  { object, onWritten }: SuspendedJob<T>,
  { client, reconciler }: SuspensionOptions<T>,
  { annotations: more, spec }: { annotations?: object; spec?: object },
): Promise<T> {
  const { resourceVersion, uid } = object.metadata;
  const none = Object.fromEntries(annotations.map((name) => [name, null]));
  const metadata = { annotations: { ...none, ...more }, resourceVersion, uid };
  try {
    const written = await client.patch<T>(
      resourceOf(reconciler.kind as KindDefinition),
      object.metadata,
      { metadata, ...(spec && { spec }) },
      { type: 'merge', fieldManager: `gotk-${reconciler.controllerName}` },
    );
    onWritten(written);
    return written;
  } catch (error) {
    throw isNotFound(error) ? new ObjectGoneError('The object is gone', { cause: error }) : error;
  }
}
