import type { FluxEvent } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import type { Alerting } from '../noise/alerting.ts';
import type { Attempt } from './attempt.ts';
import { type DeadLetter, type Delivery, isDelivery } from './delivery.ts';
import type { Reporter } from './reporter.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { Taken } from './spread.ts';

/** The way of events from their acceptance to their delivery. */
export interface Pipeline {
  /**
   * Takes in an event posted over HTTP; resolves once it is stored.
   *
   * @param id the same for the same request
   * @throws Error when it cannot be stored
   */
  accept(event: FluxEvent, id: string): Promise<void>;
  /**
   * Takes in the end of failures that no event tells of; resolves once what it brings about is stored.
   *
   * @throws Error when it cannot be stored now
   */
  end(taken: Taken): Promise<void>;
  /**
   * Has the dead letters of a Provider delivered again, the oldest first, a thousand at most. The same request does not
   * deliver one twice.
   *
   * @throws Error when they cannot be read or stored now; those before are done
   */
  replay(request: ReplayRequest): Promise<ReplayResult>;
  /** Begins to match and deliver. */
  start(): void;
  /** Stops; what is not delivered stays stored. */
  close(): Promise<void>;
}

export interface ReplayRequest {
  /** Of the Provider. */
  namespace: string;
  name: string;
  /** Tells one request from another. */
  token: string;
  signal: AbortSignal;
}

export interface ReplayResult {
  replayed: number;
  /** Whether there are others. */
  more: boolean;
}

/** Dead letters that one request delivers again. */
export const maxReplayed = 1_000;

/** What every pipeline is made of. */
export interface PipelineParts {
  alerting: Pick<Alerting, 'spread' | 'incidents' | 'release' | 'waitingGroups'>;
  attempt: Attempt;
  retry: RetryPolicy;
  reporter: Reporter;
  now?: () => number;
}

/** Makes the record of a delivery that is given up. */
export function deadLetter(
  delivery: Delivery,
  o: { error: string; attempts: number; nowMs: number },
): DeadLetter {
  const { error, attempts, nowMs } = o;
  return { delivery, error, attempts, failedAt: new Date(nowMs).toISOString() };
}

/**
 * The delivery of a dead letter under another id, so that nothing takes it for the one that was given up; undefined when
 * it is none of this Provider.
 *
 * @param place tells the letter from others
 */
export function revived(
  letter: unknown,
  { namespace, name, token }: ReplayRequest,
  place: string,
): Delivery | undefined {
  const delivery = (letter as Partial<DeadLetter> | null | undefined)?.delivery;
  if (!isDelivery(delivery)) return undefined;
  if (delivery.alert.namespace !== namespace || delivery.provider !== name) return undefined;
  const [id = ''] = delivery.id.split(':replay:');
  return { ...delivery, id: `${id}:replay:${sha256Hex(`${place} ${token}`).slice(0, 16)}` };
}
