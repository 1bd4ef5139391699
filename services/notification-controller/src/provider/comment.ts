import type { FluxEvent } from '@sluice/shared/api';
import { changeRequestKey } from '../event/metadata.ts';
import type { Endpoint } from './adapter.ts';
import { DeliveryError } from './delivery-error.ts';
import { fit } from './fit.ts';
import { markdownOf } from './markdown.ts';

/** A comment about an object on a change request: there is one of each Provider for each object. */
export interface Comment {
  /** Number of the change request. */
  request: number;
  /** What no other comment holds. */
  marker: string;
  body: string;
}

/**
 * Makes the comment of an event.
 *
 * @param o `kind` begins the marker; `maxLength` is the service's, in characters
 * @throws DeliveryError when the event names no change request
 */
export function commentOf(
  event: FluxEvent,
  endpoint: Endpoint,
  o: { kind: 'mr' | 'pr'; maxLength: number },
): Comment {
  const number = event.metadata?.[changeRequestKey] ?? '';
  if (!/^[0-9]{1,15}$/.test(number)) {
    throw new DeliveryError(
      `the event's '${changeRequestKey}' is no number: set the annotation event.toolkit.fluxcd.io/${changeRequestKey} on the object`,
      { permanent: true },
    );
  }
  const { kind, namespace = '', name } = event.involvedObject;
  const marker = `<!-- flux-${o.kind}-comment-key:${endpoint.uid}/${kind}/${namespace}/${name} -->`;
  const text = fit(markdownOf(event), o.maxLength - marker.length - 2);
  return { request: Number(number), marker, body: `${marker}\n\n${text}` };
}

/**
 * Finds the comment to update among those of a change request.
 *
 * @param author of the comments of this Provider
 * @returns its identifier
 */
export function findComment(
  comments: readonly Record<string, unknown>[],
  { marker }: Comment,
  author: { name: string; of: (comment: Record<string, unknown>) => unknown },
): number | undefined {
  const found = comments.find(
    (comment) =>
      author.of(comment) === author.name && String(comment['body'] ?? '').includes(marker),
  );
  const id = found?.['id'];
  return typeof id === 'number' ? id : undefined;
}
