import type { IncomingMessage } from 'node:http';
import type { FluxEvent } from '@sluice/shared/api';
import { errorMessage, type Logger, sha256Hex } from '@sluice/shared/base';
import { inTrace } from '@sluice/shared/bus';
import { withSpan } from '@sluice/shared/runtime';
import type { Answer } from '../http/respond.ts';
import { InvalidEventError } from './event-fields.ts';
import { parseEvent } from './parse-event.ts';

export interface EventServerContext {
  /** Resolves once the event is stored. */
  accept: (event: FluxEvent, id: string) => Promise<void>;
  /** Whether the same event was delivered lately to every alert that wants it. */
  isDuplicate: (event: FluxEvent) => Promise<boolean>;
  logger: Logger;
}

/** Longest event, in bytes of JSON: twice of it fit into a NATS message with default limits. */
const maxEventBytes = 512 * 1024;

/**
 * Makes the handler of Flux's HTTP event path: 202 once an event is stored, 400 for what is no event, 413 for
 * what is too long, 429 for a
 * repetition of what was delivered lately, 503 when the event cannot be stored and should be sent again.
 */
export function eventHandler(context: EventServerContext) {
  return async (request: IncomingMessage, body: Buffer): Promise<Answer> => {
    if (request.method !== 'POST') return { status: 405 };
    let event: FluxEvent;
    try {
      event = parseEvent(body.toString('utf8'));
    } catch (error) {
      if (!(error instanceof InvalidEventError)) throw error;
      context.logger.warn({ error: error.message }, 'A posted event is refused');
      return { status: 400, body: `${error.message}\n` };
    }
    if (event.severity === 'trace') return { status: 202 };
    if (Buffer.byteLength(JSON.stringify(event)) > maxEventBytes) {
      return { status: 413, body: `the event is longer than ${maxEventBytes} bytes\n` };
    }
    const traceparent = request.headers['traceparent'];
    return inTrace(typeof traceparent === 'string' ? { traceparent } : {}, () =>
      withSpan('receive event', { kind: 'server' }, async () => {
        if (await isDuplicate(event, context)) return { status: 429 };
        return store(event, body, context);
      }),
    );
  };
}

/** When that is not known, the event is taken; repetitions are also kept from being delivered later. */
function isDuplicate(event: FluxEvent, context: EventServerContext): Promise<boolean> {
  return context.isDuplicate(event).catch((error: unknown) => {
    context.logger.debug({ error: errorMessage(error) }, 'Repetitions are not recognised now');
    return false;
  });
}

async function store(
  event: FluxEvent,
  body: Buffer,
  { accept, logger }: EventServerContext,
): Promise<Answer> {
  try {
    // A sender that saw no answer sends the same bytes again.
    await accept(event, sha256Hex(body));
    return { status: 202 };
  } catch (error) {
    logger.error({ error: errorMessage(error) }, 'An event could not be stored');
    return { status: 503 };
  }
}
