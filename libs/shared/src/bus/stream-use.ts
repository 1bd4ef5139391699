import type { Bus } from './bus.ts';
import { type StreamId, streamName } from './streams.ts';

/** What a stream holds. */
export interface StreamUse {
  bytes: number;
  maxBytes: number;
  /** Sequences of its oldest and newest message. */
  first: number;
  last: number;
  /** Messages by subject. */
  subjects: Map<string, number>;
}

/**
 * Tells how full a stream is, and of which subjects it holds messages.
 *
 * @throws the server's error when it cannot be asked now
 */
export async function streamUse(
  bus: Bus,
  stream: StreamId,
  signal?: AbortSignal,
): Promise<StreamUse> {
  const { manager } = await bus.ready(signal);
  const name = streamName(bus.prefix, stream);
  const { state, config } = await manager.streams.info(name, { subjects_filter: '>' });
  return {
    bytes: state.bytes,
    maxBytes: config.max_bytes,
    first: state.first_seq,
    last: state.last_seq,
    subjects: new Map(Object.entries(state.subjects ?? {})),
  };
}
