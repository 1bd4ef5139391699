import {
  eventOriginRevisionKey,
  eventRevisionKey,
  eventTokenKey,
  type FluxEvent,
} from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import { objectPrefix } from './metadata.ts';

/** What makes two events repetitions of each other: object, message, revisions and token, hashed as Flux does. */
export function eventKey(event: FluxEvent): string {
  const { name, namespace, kind } = event.involvedObject;
  const parts = [
    'event',
    `name=${name}`,
    `namespace=${namespace ?? ''}`,
    `kind=${kind}`,
    `message=${event.message}`,
  ];
  for (const key of [eventOriginRevisionKey, eventRevisionKey, eventTokenKey]) {
    const value = event.metadata?.[`${objectPrefix(event)}${key}`];
    if (value !== undefined) parts.push(`${key}=${value}`);
  }
  return sha256Hex(parts.join('/'));
}
