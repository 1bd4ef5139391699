import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource } from '@sluice/shared/kube';

/** An object that is to be deleted. */
export interface DeletableObject {
  /** As it was applied, or its kind and name alone. */
  object: KubeObject;
  /** What serves it; looked for at any version unless known. */
  resource?: ApiResource;
}

/** Keeps objects from being deleted, for one reason. */
export interface DeletionGuard {
  /** By this results tell which guard has kept an object. */
  readonly name: string;
  /** Says why an object is to stay whatever stands in the cluster; undefined when it may go. */
  beforehand?(item: DeletableObject): string | undefined;
  /** Says why an object is to stay as it stands in the cluster; asked anew when it has changed meanwhile. */
  onSight?(live: KubeObject, item: DeletableObject): string | undefined;
}

/** An object that a guard has kept. */
export interface Refusal {
  guard: string;
  why: string;
}

/** Asks guards one after another; returns the first that keeps the object. */
export function firstRefusal(
  guards: readonly DeletionGuard[],
  ask: (guard: DeletionGuard) => string | undefined,
): Refusal | undefined {
  for (const guard of guards) {
    const why = ask(guard);
    if (why !== undefined) return { guard: guard.name, why };
  }
  return undefined;
}
