import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import {
  type AnswerLimits,
  type AnswerShape,
  checkValues,
  tooLarge,
  unshared,
} from './answer-limits.ts';
import { parseJson } from './json.ts';

const unzip = promisify(gunzip);

export interface ReadAnswerOptions {
  limits: AnswerLimits;
  shape: AnswerShape;
  /** Ends the waiting for memory. */
  signal?: AbortSignal;
}

/**
 * Reads an answer to its end, as JSON if it is some. It is cut off at its limit, which counts after decompression.
 *
 * @returns the value, and the bytes it was read from
 * @throws AnswerTooLargeError
 */
export async function readAnswer(
  response: Dispatcher.ResponseData,
  o: ReadAnswerOptions,
): Promise<{ body: unknown; bytes: number }> {
  const zipped = response.headers['content-encoding'] === 'gzip';
  const room = new Room(o);
  try {
    // A few bytes may become any number.
    if (zipped) await room.take();
    const raw = await collect(response.body, o, room);
    const bytes = zipped ? await decompress(raw, o) : raw;
    const text = bytes.toString('utf8');
    const type = String(response.headers['content-type'] ?? '');
    if (!type.includes('json') || text === '') return { body: text, bytes: bytes.length };
    checkValues(text, o.limits);
    return { body: parseJson(text), bytes: bytes.length };
  } catch (error) {
    response.body.on('error', () => {}).destroy();
    throw error;
  } finally {
    room.release();
  }
}

/** The memory that one answer may take, of what all answers of tenants' servers share. */
class Room {
  readonly #options: ReadAnswerOptions;
  #release: (() => void) | undefined;

  constructor(options: ReadAnswerOptions) {
    this.#options = options;
  }

  /** Waits until there is memory for the largest answer; what it needs in the end is not known before. */
  async take(): Promise<void> {
    const { limits, shape, signal } = this.#options;
    if (limits.memory === undefined || this.#release !== undefined) return;
    const { budget, share } = limits.memory;
    this.#release = await budget.acquire(share, limits[shape], signal);
  }

  release(): void {
    this.#release?.();
  }
}

function whatIs(shape: AnswerShape): string {
  return shape === 'list' ? 'a page of the list' : 'the answer';
}

async function collect(
  body: Dispatcher.ResponseData['body'],
  { limits, shape }: ReadAnswerOptions,
  room: Room,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits[shape]) throw tooLarge(whatIs(shape), limits[shape]);
    if (bytes > unshared) await room.take();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function decompress(raw: Buffer, { limits, shape }: ReadAnswerOptions): Promise<Buffer> {
  try {
    return await unzip(raw, { maxOutputLength: limits[shape] });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw tooLarge(whatIs(shape), limits[shape]);
  }
}
