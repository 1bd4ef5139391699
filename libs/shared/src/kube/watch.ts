import type { KubeObject } from '@sluice/shared/api';
import { AnswerTooLargeError, checkValues, tooLarge } from './answer-limits.ts';
import { type ApiError, decodeError } from './api-error.ts';
import { parseJson } from './json.ts';
import type { Transport } from './transport.ts';
import type { WatchEvent } from './types.ts';

/**
 * Splits a stream into lines. A last line without an end was cut off, and is dropped.
 *
 * @param maxLength characters of the longest line
 * @throws AnswerTooLargeError
 */
export async function* splitLines(
  chunks: AsyncIterable<string>,
  maxLength = Number.POSITIVE_INFINITY,
): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    // Only the new part can hold the next line's end.
    let end = chunk.indexOf('\n');
    if (end < 0) {
      rest += chunk;
      if (rest.length > maxLength) throw tooLarge('an event of the watch', maxLength);
      continue;
    }
    end += rest.length;
    rest += chunk;
    let start = 0;
    for (; end >= 0; end = rest.indexOf('\n', start)) {
      if (end - start > maxLength) throw tooLarge('an event of the watch', maxLength);
      yield rest.slice(start, end);
      start = end + 1;
    }
    rest = rest.slice(start);
  }
}

interface RawEvent<T extends KubeObject> {
  type: WatchEvent<T>['type'] | 'ERROR';
  object: T;
}

function errorOf(object: unknown, path: string): ApiError {
  const code = (object as { code?: number }).code ?? 500;
  return decodeError({
    httpStatus: code,
    body: object,
    verb: 'WATCH',
    path: path.split('?')[0] ?? '',
  });
}

export interface StreamEventsOptions {
  path: string;
  headers: Record<string, string | string[]>;
  signal?: AbortSignal;
  idleTimeoutMs?: number;
  onOpen?: () => void;
  apiVersion: string;
  kind: string;
}

/** Streams the events of a watch; ends when the server ends it, and releases the connection when left early. */
export async function* streamEvents<T extends KubeObject>(
  transport: Transport,
  o: StreamEventsOptions,
): AsyncGenerator<WatchEvent<T>> {
  const call = { method: 'GET', path: o.path, headers: o.headers, signal: o.signal };
  const body = await transport.stream(call, o.idleTimeoutMs ?? 0);
  body.setEncoding('utf8');
  o.onOpen?.();
  const { event, pages } = transport.limits;
  let characters = 0;
  let failure: unknown;
  body.on('error', (error) => {
    failure = error;
  });
  try {
    for await (const line of splitLines(body as AsyncIterable<string>, event)) {
      if (line === '') continue;
      checkValues(line, transport.limits);
      // Who follows a watch keeps what it brings; a list, as long as it may be, starts over.
      characters += line.length;
      if (characters > pages) throw tooLarge('what one watch has brought', pages);
      const raw = parseJson(line) as RawEvent<T>;
      if (raw.type === 'ERROR') throw errorOf(raw.object, o.path);
      raw.object.apiVersion = o.apiVersion;
      raw.object.kind = o.kind;
      yield raw as WatchEvent<T>;
    }
  } catch (error) {
    const isOurs = error === failure || error instanceof AnswerTooLargeError;
    throw isOurs ? transport.streamError(error, call) : error;
  }
}
