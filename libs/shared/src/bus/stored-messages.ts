import { JetStreamApiError } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';
import { decodeMessage } from './message.ts';
import { type StreamId, streamName } from './streams.ts';

/** A message as a stream has it. */
export interface StoredMessage {
  sequence: number;
  /** Of the body. */
  bytes: number;
  /** Milliseconds since the epoch at which the stream stored it. */
  storedAt: number;
  /** Undefined when it cannot be read. */
  data: unknown;
}

const messageNotFound = 10057;
const noMessageFound = 10037;

/**
 * Goes through the messages of a subject, the oldest first, as far as there are any at the start.
 *
 * @param o `from` is the sequence to begin with, 1 when unset; `to` the one to end with
 * @throws the server's error when one cannot be read now
 */
export async function* storedMessages(
  bus: Bus,
  o: { stream: StreamId; subject: string; from?: number; to?: number; signal?: AbortSignal },
): AsyncGenerator<StoredMessage> {
  const { subject, signal } = o;
  const { manager } = await bus.ready(signal);
  const stream = streamName(bus.prefix, o.stream);
  const last = o.to ?? (await manager.streams.info(stream)).state.last_seq;
  for (let seq = o.from ?? 1; !signal?.aborted; ) {
    const found = await manager.direct.getMessage(stream, { seq, next_by_subj: subject });
    if (found === null || found.seq > last) return;
    yield {
      sequence: found.seq,
      bytes: found.data.length,
      storedAt: found.time.getTime(),
      data: dataOf(found.data),
    };
    seq = found.seq + 1;
  }
}

function dataOf(data: Uint8Array): unknown {
  try {
    return decodeMessage({ data });
  } catch {
    return undefined;
  }
}

/**
 * Removes a message; nothing happens when it is gone.
 *
 * @throws the server's error when it cannot be removed now
 */
export async function removeMessage(bus: Bus, stream: StreamId, sequence: number): Promise<void> {
  const { manager } = await bus.ready();
  try {
    await manager.streams.deleteMessage(streamName(bus.prefix, stream), sequence, false);
  } catch (error) {
    const codes = [messageNotFound, noMessageFound];
    if (!(error instanceof JetStreamApiError && codes.includes(error.code))) throw error;
  }
}
