import type { Bus } from './bus.ts';
import { decodeMessage } from './message.ts';
import { type StreamId, streamName } from './streams.ts';

/** The newest message of a subject. */
export interface LastMessage {
  data: unknown;
  /** Milliseconds since the epoch. */
  storedAt: number;
  /** Its place in the stream. */
  sequence: number;
}

/**
 * Reads the newest message of one subject of a stream; undefined when there is none.
 *
 * @throws BusUnavailableError or the server's error when it cannot be read now
 */
export async function lastMessage(
  bus: Bus,
  stream: StreamId,
  subject: string,
  signal?: AbortSignal,
): Promise<LastMessage | undefined> {
  const { manager } = await bus.ready(signal);
  const message = await manager.direct.getMessage(streamName(bus.prefix, stream), {
    last_by_subj: subject,
  });
  if (!message) return undefined;
  const { data, time, seq: sequence } = message;
  return { data: decodeMessage({ data }), storedAt: time.getTime(), sequence };
}
