import { type Clock, type Logger, systemClock } from '@sluice/shared/base';

/** Time between two lines about the same kind of refusal, in milliseconds. */
const intervalMs = 60_000;

/**
 * Makes a function that logs refusals, of each kind one line a minute, which says how many had none since the last.
 *
 * @param message of each line
 */
export function refusalLog(logger: Logger, message: string, clock: Clock = systemClock) {
  const kinds = new Map<string, { at: number; unlogged: number }>();
  return (kind: string, fields: Record<string, unknown>): void => {
    const last = kinds.get(kind);
    const now = clock.now();
    if (last !== undefined && now - last.at < intervalMs) {
      last.unlogged++;
      return;
    }
    kinds.set(kind, { at: now, unlogged: 0 });
    logger.warn({ ...fields, refusal: kind, unlogged: last?.unlogged ?? 0 }, message);
  };
}
