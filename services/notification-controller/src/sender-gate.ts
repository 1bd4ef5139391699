import type { Logger } from '@sluice/shared/base';
import { createTokenGate, type JudgeToken } from '@sluice/shared/runtime';
import type { Gate } from './http/respond.ts';

/** Makes the gate before events: it lets through whose token is that of an account that may send. */
export function senderGate(o: { judge: JudgeToken; logger: Logger }): Gate {
  return createTokenGate({
    ...o,
    words: { who: 'sender', deed: 'send events' },
    message: 'A sender of events is refused',
  });
}
