import { type DestinationStream, destination, pino } from 'pino';
import { errorMessage } from './errors.ts';
import { secretMask } from './mask.ts';

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

/** Characters of a field; what is longer is cut. */
const maxFieldLength = 8192;

/** `flux logs` stops reading a pod's log at a line over 64 KiB, so a longer one is reduced. */
const maxLineBytes = 60 * 1024;

/** Set by the logger itself: a field of that name would take its place, and be of another type. */
const ownFields = new Set(['ts', 'level', 'msg', 'logger']);

/** What `flux logs` reads besides, as text; it stops at anything else. */
const textFields = ['error', 'controllerKind', 'reconciler kind', 'name', 'namespace'] as const;

function cut(text: string, length = maxFieldLength): string {
  const short = text.length > length ? `${text.slice(0, length)}… (cut)` : text;
  // User and password of an address.
  return short.replaceAll(/:\/\/[^\s/@]+@/g, `://${secretMask}@`);
}

/** Causes are left out: they may hold what the message was made to hide. */
function textOf(value: unknown): string {
  if (typeof value === 'string' || value instanceof Error) return cut(errorMessage(value));
  return cut(typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value));
}

/** The fields of a line, with texts of bounded length and none that `flux logs` would stop at. */
function fieldsOf(fields: object): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const key = ownFields.has(name) ? `field_${name}` : name;
    if (value === undefined) continue;
    const isText = typeof value === 'string' || value instanceof Error;
    result[key] = isText || (textFields as readonly string[]).includes(name) ? safe(value) : value;
  }
  return result;
}

function safe(value: unknown): string {
  try {
    return textOf(value);
  } catch {
    return '[unprintable]';
  }
}

/** Keeps of a line that is too long what tells where to look. */
function reduce(line: string): string {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const kept = [...ownFields, ...textFields].filter((name) => fields[name] !== undefined);
  const entries = kept.map((name) => [name, cut(String(fields[name]), maxFieldLength / 4)]);
  return `${JSON.stringify({ ...Object.fromEntries(entries), cut: true })}\n`;
}

/**
 * Creates a logger that writes JSON lines in the shape that `flux logs` parses: `ts` in ISO 8601, `level`, `msg`,
 * `logger` and, for an error, `error` as strings, and no line over 64 KiB.
 */
export function createLogger(o: {
  level: string;
  name: string;
  destination?: DestinationStream;
}): Logger {
  const output = o.destination ?? destination({ fd: 1, sync: true });
  return pino(
    {
      level: o.level,
      base: { logger: o.name },
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: fieldsOf },
    },
    {
      write(line) {
        // No character takes more than three bytes for each unit of its length.
        const fits = line.length * 3 <= maxLineBytes || Buffer.byteLength(line) <= maxLineBytes;
        output.write(fits ? line : reduce(line));
      },
    },
  );
}

/** A logger that says nothing. */
export const silentLogger: Logger = pino({ level: 'silent' });
