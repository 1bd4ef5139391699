import type { ProviderAnswer } from './adapter.ts';
import { DeliveryError } from './delivery-error.ts';

/** Bytes of a page of statuses or comments; comments have up to 64 KiB each. */
export const maxPageBytes = 8 * 1024 * 1024;

/**
 * Reads a JSON answer.
 *
 * @throws DeliveryError that names the service when it is none
 */
export function jsonOf(body: string, service: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The parser's message quotes the text.
    throw new DeliveryError(`${service} did not answer with JSON`);
  }
}

/** An object of a JSON answer; empty when it is something else. */
export function objectOf(value: unknown): Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : {};
}

/** @throws DeliveryError that names the service when the answer is no list */
export function listOf({ body }: ProviderAnswer, service: string): Record<string, unknown>[] {
  const list = jsonOf(body, service);
  if (!Array.isArray(list)) throw new DeliveryError(`${service} did not answer with a list`);
  return list.map(objectOf);
}
