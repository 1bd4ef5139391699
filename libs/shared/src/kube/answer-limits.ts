import type { ByteBudget } from '@sluice/shared/base';

/** What is asked for: one object or document, or a page of a list. */
export type AnswerShape = 'object' | 'list';

/** How much an API server may answer, in bytes after decompression. */
export interface AnswerLimits extends Record<AnswerShape, number> {
  /** All pages of a list; all events of one watch, in characters. */
  pages: number;
  /** One event of a watch, in characters. */
  event: number;
  /** Values in one JSON text: each takes many times the memory of its few characters. */
  values: number;
  /** Answers over {@link unshared} take their limit of it while they are read. */
  memory?: { budget: ByteBudget; share: string };
}

const mebibyte = 2 ** 20;

/** Bytes of an answer that is read without asking for memory. */
export const unshared = mebibyte;

/** For the cluster that the controller belongs to: its objects are up to 3 MiB, its OpenAPI documents a few. */
export const ownLimits: AnswerLimits = {
  object: 64 * mebibyte,
  list: 512 * mebibyte,
  pages: Number.POSITIVE_INFINITY,
  event: 32 * mebibyte,
  values: Number.POSITIVE_INFINITY,
};

/** For a server that a tenant names. */
export const tenantLimits: AnswerLimits = {
  object: 8 * mebibyte,
  list: 32 * mebibyte,
  pages: 128 * mebibyte,
  event: 4 * mebibyte,
  values: 2_000_000,
};

/** An answer that was cut off; the message starts with what is too much. */
export class AnswerTooLargeError extends Error {
  override name = 'AnswerTooLargeError';
  readonly code = 'ANSWER_TOO_LARGE';
}

/** Says what is too large and its limit, in bytes. */
export function tooLarge(what: string, limit: number): AnswerTooLargeError {
  return new AnswerTooLargeError(`${what} is larger than ${limit / mebibyte} MiB, its limit`);
}

/** @throws AnswerTooLargeError when a JSON text holds more values than it may */
export function checkValues(text: string, { values }: AnswerLimits): void {
  if (text.length <= values) return;
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    // Each value but the first follows one of , [ {
    if (char === 44 || char === 91 || char === 123) count++;
  }
  if (count > values) {
    throw new AnswerTooLargeError(`the answer holds more than ${values} values, its limit`);
  }
}
