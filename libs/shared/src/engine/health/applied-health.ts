import type { KubeObject } from '@sluice/shared/api';
import type { Health } from './health-result.ts';

/** What is known of an object whose health counts, from its last apply on. */
export interface AppliedHealth {
  /** That of the server's answer to the apply. */
  resourceVersion: string | undefined;
  /** As it was judged last. */
  health: Health;
  /** Whether it may go away by itself once it is done. */
  vanishes: boolean;
}

/** Judges a state of an object. */
export type Judge = (object: KubeObject) => Health;

/**
 * Judges an object as it is now. A watch may lag behind the apply whose answer is known already, and show an object that
 * stood there before: that changes nothing.
 */
export function judgePresent(known: AppliedHealth, live: KubeObject, judge: Judge): Health {
  const isOlder = Number(live.metadata.resourceVersion) < Number(known.resourceVersion);
  return isOlder ? known.health : judge(live);
}

/**
 * Judges an object that is gone: one that goes by itself is as good as it was unless it was last seen to have failed.
 *
 * @param message why that is no good otherwise
 */
export function judgeMissing({ health, vanishes }: AppliedHealth, message: string): Health {
  if (!vanishes) return { status: 'NotFound', message };
  return health.status === 'Failed' ? health : { status: 'Current', message: 'it has ended' };
}
