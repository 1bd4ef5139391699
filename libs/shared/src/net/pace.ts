import { type Clock, systemClock, type Timer } from '@sluice/shared/base';
import type { Dispatcher } from 'undici';
import type { ByteRate } from './byte-rate.ts';

/** Whose bytes count against which rate. */
export interface Pace {
  rate: ByteRate;
  share: string;
  clock?: Clock;
}

/** Returns a dispatcher over the same connections that reads bodies of answers no faster than the rate of a share. */
export function paceAnswers(dispatcher: Dispatcher, pace: Pace): Dispatcher {
  return dispatcher.compose(
    (dispatch) => (options, handler) => dispatch(options, pacedHandler(handler, pace)),
  );
}

/** Hands on what a stream brings no faster than the rate of a share; an aborted signal ends it with its reason. */
export async function* paceBytes(
  stream: AsyncIterable<Uint8Array>,
  { rate, share, clock = systemClock }: Pace,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    const waitMs = rate.take(share, chunk.byteLength);
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    yield chunk;
  }
}

/** Reads on only when neither the reader nor the rate holds it up. */
class PacedController implements Dispatcher.DispatchController {
  readonly #inner: Dispatcher.DispatchController;
  readonly #clock: Clock;
  #isReaderFull = false;
  #timer: Timer | undefined;

  constructor(inner: Dispatcher.DispatchController, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  get aborted() {
    return this.#inner.aborted;
  }

  get paused() {
    return this.#inner.paused;
  }

  get reason() {
    return this.#inner.reason;
  }

  get rawHeaders() {
    return this.#inner.rawHeaders;
  }

  get rawTrailers() {
    return this.#inner.rawTrailers;
  }

  abort(reason: Error): void {
    this.end();
    this.#inner.abort(reason);
  }

  pause(): void {
    this.#isReaderFull = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#isReaderFull = false;
    if (this.#timer === undefined) this.#inner.resume();
  }

  /** Reads nothing for a time in milliseconds. */
  hold(ms: number): void {
    this.#timer?.cancel();
    this.#inner.pause();
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      if (!this.#isReaderFull) this.#inner.resume();
    }, ms);
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

function pacedHandler(
  handler: Dispatcher.DispatchHandler,
  { rate, share, clock = systemClock }: Pace,
): Dispatcher.DispatchHandler {
  let paced: PacedController | undefined;
  const controllerOf = (inner: Dispatcher.DispatchController) => {
    paced ??= new PacedController(inner, clock);
    return paced;
  };
  return {
    onRequestStart(controller, context) {
      // Another attempt has another controller.
      paced?.end();
      paced = undefined;
      handler.onRequestStart?.(controllerOf(controller), context);
    },
    onRequestUpgrade: (controller, ...more) =>
      handler.onRequestUpgrade?.(controllerOf(controller), ...more),
    onResponseStart: (controller, ...more) =>
      handler.onResponseStart?.(controllerOf(controller), ...more),
    onResponseData(controller, chunk) {
      const waitMs = rate.take(share, chunk.length);
      if (waitMs > 0) controllerOf(controller).hold(waitMs);
      handler.onResponseData?.(controllerOf(controller), chunk);
    },
    onBodySent: (chunk) => handler.onBodySent?.(chunk),
    onRequestSent: () => handler.onRequestSent?.(),
    onResponseEnd(controller, trailers) {
      paced?.end();
      handler.onResponseEnd?.(controllerOf(controller), trailers);
    },
    onResponseError(controller, error) {
      paced?.end();
      handler.onResponseError?.(controllerOf(controller), error);
    },
  };
}
