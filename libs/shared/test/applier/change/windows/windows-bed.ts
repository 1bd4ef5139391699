import type { KubeObject, WindowSpec } from '@sluice/shared/api';

/** Makes a Window that denies, unless told otherwise. */
export function windowOf(name: string, spec: Partial<WindowSpec>, namespace = 'apps'): KubeObject {
  return {
    apiVersion: 'delivery.sluice.dev/v1alpha1',
    kind: 'Window',
    metadata: { name, namespace },
    spec: { kind: 'Deny', schedule: '0 22 * * *', duration: '8h', ...spec },
  } as KubeObject;
}

/** The milliseconds since the epoch of a time such as `2026-03-29T02:30Z`. */
export function at(time: string): number {
  return Date.parse(time);
}
