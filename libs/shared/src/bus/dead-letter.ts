import type { Bus } from './bus.ts';
import { UnpublishableError } from './bus-errors.ts';
import { decodeMessage } from './message.ts';
import { deadLetterSubject, streamName } from './streams.ts';

/** What could not be handled; `error` and `subject` are kept also when the rest is too large for a message. */
export interface Letter {
  error: string;
  subject?: string;
}

export interface DeadLetterMessage<T extends Letter = Letter> {
  namespace: string;
  provider: string;
  id: string;
  letter: T;
}

/** Stores what could not be handled, for a person to look at; resolves once it is stored. */
export async function publishDeadLetter<T extends Letter>(
  bus: Bus,
  o: DeadLetterMessage<T>,
): Promise<void> {
  const message = { subject: deadLetterSubject(bus.prefix, o.namespace, o.provider), id: o.id };
  try {
    await bus.publish({ ...message, data: o.letter });
  } catch (error) {
    if (!(error instanceof UnpublishableError)) throw error;
    const { subject, error: why } = o.letter;
    await bus.publish({ ...message, data: { subject, error: why, left: error.message } });
  }
}

/** A dead letter as the stream has it. */
export interface StoredLetter {
  sequence: number;
  /** Undefined when it cannot be read. */
  data: unknown;
}

/**
 * Goes through the dead letters of a provider, the oldest first, as far as there are any at the start.
 *
 * @throws the server's error when one cannot be read now
 */
export async function* deadLettersOf(
  bus: Bus,
  { namespace, provider, signal }: { namespace: string; provider: string; signal: AbortSignal },
): AsyncGenerator<StoredLetter> {
  const { manager } = await bus.ready(signal);
  const stream = streamName(bus.prefix, 'deadletter');
  const subject = deadLetterSubject(bus.prefix, namespace, provider);
  const { last_seq: last } = (await manager.streams.info(stream)).state;
  for (let seq = 1; !signal.aborted; ) {
    const found = await manager.direct.getMessage(stream, { seq, next_by_subj: subject });
    if (found === null || found.seq > last) return;
    yield { sequence: found.seq, data: dataOf(found.data) };
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

/** Removes a dead letter. */
export async function removeDeadLetter(bus: Bus, sequence: number): Promise<void> {
  const { manager } = await bus.ready();
  await manager.streams.deleteMessage(streamName(bus.prefix, 'deadletter'), sequence, false);
}
