import { createHash } from 'node:crypto';
import type { FluxEvent } from '@sluice/shared/api';
import { eventJson } from './go-json.ts';

/** Identifies an event for a service: hexadecimal digits, the same at each attempt to deliver it. */
export function stableId(event: FluxEvent, digits: number, purpose = ''): string {
  return createHash('sha256')
    .update(`${purpose}\n${eventJson(event)}`)
    .digest('hex')
    .slice(0, digits);
}
