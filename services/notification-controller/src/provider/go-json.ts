import type { FluxEvent } from '@sluice/shared/api';

const escapes: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/**
 * Writes JSON byte for byte as Go's encoding/json does, so that signatures over our requests and over Flux's are
 * made of the same text.
 */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => escapes[char] as string);
}

/** A time as Go writes a Kubernetes time: RFC 3339 in UTC with whole seconds. */
export function goTime(timestamp: string): string {
  return `${new Date(timestamp).toISOString().slice(0, 19)}Z`;
}

/** Returns a map with its keys in order, as Go writes maps. */
export function sorted(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** An event as JSON, with Flux's order of fields. */
export function eventJson(event: FluxEvent): string {
  const { kind, namespace, name, uid, apiVersion, resourceVersion } = event.involvedObject;
  const orUnset = (text: string | undefined) => text || undefined;
  return goJson({
    involvedObject: {
      kind: orUnset(kind),
      namespace: orUnset(namespace),
      name: orUnset(name),
      uid: orUnset(uid),
      apiVersion: orUnset(apiVersion),
      resourceVersion: orUnset(resourceVersion),
    },
    severity: event.severity,
    timestamp: goTime(event.timestamp),
    message: event.message,
    reason: event.reason,
    metadata:
      event.metadata && Object.keys(event.metadata).length > 0 ? sorted(event.metadata) : undefined,
    reportingController: event.reportingController,
    reportingInstance: orUnset(event.reportingInstance),
  });
}
