import {
  type Alert,
  eventAnnotationPrefix,
  eventCommitStatusKey,
  eventCommitStatusUpdate,
  eventDigestKey,
  eventTokenKey,
  type FluxEvent,
  factPrefix,
} from '@sluice/shared/api';

/** Metadata of the object's content that no alert needs. */
const internalKeys = ['checksum', eventDigestKey];
const summaryKey = 'summary';
/** Keys with which an annotation of an object names the commit and the change request that its events are about. */
export const commitKey = 'commit';
export const changeRequestKey = 'change_request';

/** The prefix under which the object's controller puts metadata, such as `kustomize.toolkit.fluxcd.io/`. */
export function objectPrefix(event: FluxEvent): string {
  const apiVersion = event.involvedObject.apiVersion ?? '';
  const slash = apiVersion.indexOf('/');
  return `${slash < 0 ? '' : apiVersion.slice(0, slash)}/`;
}

/**
 * Keeps only metadata for alerting: what the object's controller or an event annotation of the object gave, and the facts
 * that our controllers add.
 */
export function cleanMetadata(event: FluxEvent): FluxEvent {
  const prefix = objectPrefix(event);
  const internal = new Set(internalKeys.map((key) => `${prefix}${key}`.toLowerCase()));
  const kept = Object.entries(event.metadata ?? {}).filter(
    ([key]) =>
      !internal.has(key.toLowerCase()) &&
      [eventAnnotationPrefix, factPrefix, prefix].some((start) => key.startsWith(start)),
  );
  const { metadata: _, ...rest } = event;
  return kept.length === 0 ? rest : { ...rest, metadata: Object.fromEntries(kept) };
}

/** Whether the event asks for the status of a commit to be written; only some providers are told. */
export function isCommitStatusUpdate(event: FluxEvent): boolean {
  const value = event.metadata?.[`${objectPrefix(event)}${eventCommitStatusKey}`];
  return value === eventCommitStatusUpdate;
}

/** Whether the object's annotations name something for its events, such as the commit that they are about. */
export function isAnnotated(event: FluxEvent, key: string): boolean {
  return Boolean(event.metadata?.[`${eventAnnotationPrefix}${key}`]);
}

/** A cleaned event with the metadata that an alert sends, and the keys that several sources gave. */
export interface CombinedMetadata {
  event: FluxEvent;
  /** What our controllers know besides; no key of it is one of the metadata. */
  facts: Record<string, string>;
  conflicts: string[];
}

/**
 * Merges the sources of metadata of an event for one alert, later ones winning: annotations of the object,
 * `eventMetadata` of the alert, its `summary`, and the object's controller. Prefixes are taken off.
 */
export function combineMetadata(event: FluxEvent, alert: Alert): CombinedMetadata {
  const prefix = objectPrefix(event);
  const given = Object.entries(event.metadata ?? {});
  const stripped = (start: string) =>
    given
      .filter(([key]) => key.startsWith(start))
      .map(([key, value]): [string, string] => [key.slice(start.length), value])
      .filter(([key]) => start !== prefix || key !== eventTokenKey);
  const sources: [string, string][][] = [
    stripped(eventAnnotationPrefix),
    Object.entries(alert.spec.eventMetadata ?? {}),
    alert.spec.summary ? [[summaryKey, alert.spec.summary]] : [],
    stripped(prefix),
  ];
  const merged = new Map<string, string>();
  const conflicts = new Set<string>();
  for (const [key, value] of sources.flat()) {
    if (merged.has(key)) conflicts.add(key);
    merged.set(key, value);
  }
  const { metadata: _, ...rest } = event;
  return {
    event: merged.size === 0 ? rest : { ...rest, metadata: Object.fromEntries(merged) },
    facts: Object.fromEntries(stripped(factPrefix).filter(([key]) => !merged.has(key))),
    conflicts: [...conflicts].sort(),
  };
}
