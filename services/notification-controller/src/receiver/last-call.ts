import { type Receiver, type ReceiverStatus, receiverKind } from '@sluice/shared/api';
import { type Clock, errorMessage, type Logger, printable, type Timer } from '@sluice/shared/base';
import { isNotFound, type KubeClient, keyOf, resourceOf } from '@sluice/shared/kube';
import { apiTime, statusPatch } from '@sluice/shared/runtime';

type LastCall = NonNullable<ReceiverStatus['lastCall']>;

/** Milliseconds between two writes about one Receiver. */
const everyMs = 10_000;
const maxReason = 512;

/** Milliseconds that the last writes get when the process ends. */
const closeMs = 2_000;

/** What a Receiver answered. */
export type Call = Pick<LastCall, 'result' | 'reason'>;

export interface CallLogOptions {
  client: KubeClient;
  controllerName: string;
  clock: Clock;
  logger: Logger;
}

/** A Receiver that was written about a moment ago. */
interface Held {
  timer: Timer;
  /** Writes what came since. */
  write?: () => void;
}

/**
 * Writes the last call of each Receiver into its status: the first one at once, and of those that follow within ten
 * seconds the last one, so that a flood of calls is a write each ten seconds.
 */
export class CallLog {
  readonly #o: CallLogOptions;
  readonly #held = new Map<string, Held>();
  readonly #writing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(o: CallLogOptions) {
    this.#o = o;
  }

  /** Notes how a call ended; never throws. */
  readonly note = (receiver: Receiver, { result, reason }: Call): void => {
    if (this.#isClosed) return;
    const lastCall = {
      time: apiTime(this.#o.clock.now()),
      result,
      // Null takes an earlier one away.
      reason: (reason === undefined ? null : printable(reason).slice(0, maxReason)) as
        | string
        | undefined,
    };
    const key = keyOf(receiver);
    const write = () => this.#write(receiver, lastCall);
    const held = this.#held.get(key);
    if (held === undefined) this.#writeAndHold(key, write);
    else held.write = write;
  };

  /** Writes what is held, and waits for a short while until it is written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const last = [...this.#held.values()];
    this.#held.clear();
    for (const { timer } of last) timer.cancel();
    const written = new AbortController();
    const late = this.#o.clock.sleep(closeMs, written.signal).catch(() => undefined);
    await Promise.race([this.#writeLast(last), late]);
    written.abort();
  }

  /** After what is on its way, which would overtake it otherwise. */
  async #writeLast(held: Held[]): Promise<void> {
    await Promise.all(this.#writing);
    for (const { write } of held) write?.();
    await Promise.all(this.#writing);
  }

  #writeAndHold(key: string, write: () => void): void {
    const timer = this.#o.clock.setTimer(() => {
      const next = this.#held.get(key)?.write;
      this.#held.delete(key);
      if (next) this.#writeAndHold(key, next);
    }, everyMs);
    this.#held.set(key, { timer });
    write();
  }

  #write({ metadata: { name, namespace } }: Receiver, lastCall: LastCall): void {
    const { client, controllerName, logger } = this.#o;
    const options = statusPatch(controllerName);
    const written: Promise<void> = client
      .patch(resourceOf(receiverKind), { name, namespace }, { status: { lastCall } }, options)
      .then(
        () => undefined,
        (error: unknown) => {
          if (isNotFound(error)) return;
          logger.warn(
            { error: errorMessage(error), controllerKind: 'Receiver', name, namespace },
            'The last call could not be written into the status',
          );
        },
      )
      .finally(() => this.#writing.delete(written));
    this.#writing.add(written);
  }
}
