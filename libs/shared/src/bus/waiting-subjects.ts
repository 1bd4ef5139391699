import type { Bus } from './bus.ts';
import { type StreamId, streamName } from './streams.ts';

/**
 * Lists the subjects of which a stream holds messages.
 *
 * @throws the server's error when it cannot be asked now
 */
export async function waitingSubjects(
  bus: Bus,
  stream: StreamId,
  signal?: AbortSignal,
): Promise<string[]> {
  const { manager } = await bus.ready(signal);
  const name = streamName(bus.prefix, stream);
  const { state } = await manager.streams.info(name, { subjects_filter: '>' });
  return Object.keys(state.subjects ?? {});
}
