import type { KubeObject } from '@sluice/shared/api';

/** An object as it is found in a cluster. */
export interface Found {
  name: string;
  object: KubeObject;
}

export type Kind = [apiVersion: string, kind: string];

const metadata = { name: 'x', namespace: 'apps', creationTimestamp: '2026-01-01T00:00:00Z' };

export function found([apiVersion, kind]: Kind, name: string, parts: object = {}): Found {
  const { metadata: more, ...rest } = parts as { metadata?: object };
  const object = { apiVersion, kind, metadata: { ...metadata, generation: 2, ...more }, ...rest };
  return { name: `${kind} ${name}`, object };
}

/** An object of a kind, and in each of the states that are given by what differs from a status that is whole. */
export function states(
  kind: Kind,
  spec: object,
  whole: object,
  others: Record<string, object>,
): Found[] {
  return [
    found(kind, 'just created', { spec }),
    found(kind, 'whole', { spec, status: whole }),
    found(kind, 'of an older generation', { spec, status: { ...whole, observedGeneration: 1 } }),
    found(kind, 'being deleted', {
      metadata: { deletionTimestamp: '2026-01-01T00:00:10Z' },
      spec,
      status: whole,
    }),
    ...Object.entries(others).map(([name, status]) =>
      found(kind, name, { spec, status: { ...whole, ...status } }),
    ),
  ];
}

export const selector = { matchLabels: { app: 'x' } };
export const observedGeneration = 2;
