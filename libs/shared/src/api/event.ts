import type { Artifact } from './common.ts';

/** Names the object that an event is about. */
export interface ObjectReference {
  apiVersion?: string;
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
  resourceVersion?: string;
}

export type EventSeverity = 'info' | 'error' | 'trace';

/**
 * An event as Flux's controllers post it and as the bus carries it.
 *
 * @see https://fluxcd.io/flux/components/notification/events/
 */
export interface FluxEvent {
  involvedObject: ObjectReference;
  severity: EventSeverity;
  /** RFC 3339. */
  timestamp: string;
  message: string;
  reason: string;
  metadata?: Record<string, string>;
  reportingController: string;
  reportingInstance?: string;
}

/** Where a controller's events go. */
export interface EventSink {
  /** Resolves once the event is durable: on the local disk or acknowledged. Never waits for the network. */
  publish(event: FluxEvent): Promise<void>;
}

/** Says that a source has a new artifact. The object's status is the truth; this only says it sooner. */
export interface ArtifactNotice {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  artifact: Artifact;
  /** RFC 3339. */
  observedAt: string;
}

/** Announces artifacts, as a hint that may be lost. */
export interface ArtifactAnnouncer {
  announce(notice: ArtifactNotice): void;
}
