import type { Bus } from './bus.ts';
import { deadLetterSubject } from './streams.ts';

/** Stores what could not be handled, for a person to look at; resolves once it is stored. */
export async function publishDeadLetter(
  bus: Bus,
  o: { namespace: string; provider: string; id: string; letter: unknown },
): Promise<void> {
  await bus.publish({
    subject: deadLetterSubject(bus.prefix, o.namespace, o.provider),
    data: o.letter,
    id: o.id,
  });
}
