import type { Bus } from './bus.ts';
import { UnpublishableError } from './bus-errors.ts';
import { type StoredMessage, storedMessages } from './stored-messages.ts';
import { deadLetterSubject } from './streams.ts';

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

/**
 * Goes through the dead letters of a provider, the oldest first, as far as there are any at the start.
 *
 * @throws the server's error when one cannot be read now
 */
export function deadLettersOf(
  bus: Bus,
  { namespace, provider, signal }: { namespace: string; provider: string; signal: AbortSignal },
): AsyncGenerator<StoredMessage> {
  const subject = deadLetterSubject(bus.prefix, namespace, provider);
  return storedMessages(bus, { stream: 'deadletter', subject, signal });
}
