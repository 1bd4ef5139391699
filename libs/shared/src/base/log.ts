import { type DestinationStream, destination, pino } from 'pino';
import { errorMessage } from './errors.ts';

interface LogMethod {
  (fields: object, message: string): void;
  (message: string): void;
}

/** A structured logger. Messages are constant; what varies stands in the fields. */
export interface Logger {
  trace: LogMethod;
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  child(fields: object): Logger;
}

/** The values of `--log-level`, least important first. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/** `flux logs` stops reading a pod's log at a line over 64 KiB, so long fields are cut. */
const maxFieldLength = 8192;

function cut(text: string): string {
  return text.length > maxFieldLength ? `${text.slice(0, maxFieldLength)}… (cut)` : text;
}

/**
 * Creates a logger that writes JSON lines in the shape that `flux logs` parses: `ts` in ISO 8601, `level`, `msg`,
 * `logger` and, for an error, `error` as strings.
 */
export function createLogger(o: {
  level: string;
  name: string;
  destination?: DestinationStream;
}): Logger {
  return pino(
    {
      level: o.level,
      base: { logger: o.name },
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        error: (error: unknown) => cut(errorMessage(error)),
        stack: (stack: unknown) => cut(String(stack)),
      },
    },
    o.destination ?? destination({ fd: 1, sync: true }),
  );
}

/** A logger that says nothing. */
export const silentLogger: Logger = pino({ level: 'silent' });
