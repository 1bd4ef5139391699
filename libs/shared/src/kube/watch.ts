import type { KubeObject } from '@sluice/shared/api';
import { type ApiError, decodeError } from './api-error.ts';
import { parseJson } from './json.ts';
import type { Transport } from './transport.ts';
import type { WatchEvent } from './types.ts';

/** Splits a stream into lines. A last line without an end was cut off, and is dropped. */
export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    // Only the new part can hold the next line's end.
    let end = chunk.indexOf('\n');
    if (end < 0) {
      rest += chunk;
      continue;
    }
    end += rest.length;
    rest += chunk;
    let start = 0;
    for (; end >= 0; end = rest.indexOf('\n', start)) {
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
  let failure: unknown;
  body.on('error', (error) => {
    failure = error;
  });
  try {
    for await (const line of splitLines(body as AsyncIterable<string>)) {
      if (line === '') continue;
      const event = parseJson(line) as RawEvent<T>;
      if (event.type === 'ERROR') throw errorOf(event.object, o.path);
      event.object.apiVersion = o.apiVersion;
      event.object.kind = o.kind;
      yield event as WatchEvent<T>;
    }
  } catch (error) {
    throw error === failure ? transport.streamError(error, call) : error;
  }
}
