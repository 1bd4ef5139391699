/** In what an outcome can be another one. */
export type Aspect = 'ready' | 'inventory' | 'objects';

/** A difference that is meant. */
export interface Accepted {
  aspects: Aspect[];
  /** What docs/compatibility.md says of it. */
  reason: string;
}

/** By the name of the case. */
export const accepted: Record<string, Accepted> = {};
