import type { AuditRecord, FluxEvent } from '@sluice/shared/api';
import { DeliveryError, UnusableProviderError } from '../provider/delivery-error.ts';
import { SecretUnavailableError } from '../provider/secrets.ts';

/** One event on its way to one alert's provider. */
export interface Delivery {
  /** The same for the same event and alert, however often they are matched. */
  id: string;
  /** With the metadata that this alert sends; of a record, what queues and logs know of it. */
  event: FluxEvent;
  /** What is delivered in place of the event. */
  record?: AuditRecord;
  /** What else is known of it, apart from its metadata, of which services make labels. */
  facts?: Record<string, string>;
  alert: { namespace: string; name: string };
  /** Name of the Provider, in the alert's namespace. */
  provider: string;
  /** What makes a later event a repetition of this one. */
  key: string;
  /** When the event was taken in, in milliseconds since the epoch. */
  at?: number;
  /** The failure that this tells of, when its end is to be told, too. */
  incident?: string;
  /** The event ends failures that the provider may know of: it is sent `only` then, or in any case and `also` ends them. */
  recovers?: 'only' | 'also';
  /** The alert says how often the failure is repeated, in place of the controller. */
  repeats?: boolean;
  /** Not a delivery, but the time at which a batch of a group is due; its first delivery is the rest of it. */
  timer?: { group: string; batch: string };
  /** The deliveries that it lists, with its id in place of theirs. */
  members?: Delivery[];
  /** How its message lists them. */
  list?: GroupList;
}

/** What a list of deliveries says beside them. */
export interface GroupList {
  /** How often each of them came. */
  counts: number[];
  /** How many there are that are not in the list. */
  more: number;
}

/** The deliveries that a delivery stands for. */
export function membersOf(delivery: Delivery): Delivery[] {
  return delivery.members ?? [delivery];
}

/** Whether something stored is a delivery: what its handling relies on is there. */
export function isDelivery(value: unknown): value is Delivery {
  const delivery = value as Partial<Record<keyof Delivery, unknown>> | null;
  const alert = delivery?.alert as Partial<Delivery['alert']> | null | undefined;
  const event = delivery?.event as Partial<FluxEvent> | null | undefined;
  const texts = [
    delivery?.id,
    delivery?.key,
    delivery?.provider,
    alert?.namespace,
    alert?.name,
    event?.message,
    event?.timestamp,
    event?.involvedObject?.kind,
    event?.involvedObject?.name,
  ];
  return texts.every((text) => typeof text === 'string');
}

/** What a log says of a delivery. */
export function describeDelivery({ alert, provider, event }: Delivery): Record<string, string> {
  const { kind, namespace, name } = event.involvedObject;
  return {
    alert: `${alert.namespace}/${alert.name}`,
    provider,
    object: `${kind}/${namespace}/${name}`,
    reason: event.reason,
  };
}

/** How an attempt to deliver ended. */
export type AttemptResult =
  /** With what the service calls it, if that is needed later. */
  | { type: 'delivered'; receipt?: string }
  /** The same was delivered lately. */
  | { type: 'duplicate' }
  /** Nobody wants it any more. */
  | { type: 'dropped'; why: string }
  | {
      type: 'failed';
      error: string;
      permanent: boolean;
      retryAfterMs?: number;
      /** The Provider has to be corrected, whatever the event. */
      unusable?: boolean;
    };

export type FailedAttempt = Extract<AttemptResult, { type: 'failed' }>;

/** A delivery that was given up, as it is kept for a person to look at. */
export interface DeadLetter {
  delivery: Delivery;
  /** Of the last attempt. */
  error: string;
  attempts: number;
  /** RFC 3339. */
  failedAt: string;
}

/** Describes what an attempt threw, without secrets. */
export function failure(error: unknown): AttemptResult {
  if (error instanceof DeliveryError) {
    const { message, permanent, retryAfterMs } = error;
    const unusable = error instanceof UnusableProviderError;
    return {
      type: 'failed',
      error: message,
      permanent,
      retryAfterMs,
      ...(unusable && { unusable }),
    };
  }
  return {
    type: 'failed',
    error: error instanceof Error ? error.message : String(error),
    permanent: false,
    ...(error instanceof SecretUnavailableError && { unusable: true }),
  };
}
