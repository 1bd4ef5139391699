import type { KubeObject } from '@sluice/shared/api';
import { hasDigests } from '../object/compact-object.ts';
import type { AppliedHealth } from './applied-health.ts';
import type { Health } from './health-result.ts';
import { type HealthRules, hasHealthRule } from './health-rules.ts';

/** One object is read at most once in this many milliseconds, however often it changes. */
export const leastReadMs = 2000;

/** What a read of an object has found. */
export interface HealthRead {
  /** Undefined when there was nothing to read, or it failed, or the verdict is tentative. */
  resourceVersion: string | undefined;
  health: Health;
  /** When it began, in milliseconds since the epoch. */
  at: number;
}

/** Whether expressions may ask for values of an object that a watch shows as digests only. */
export function lacksValues(object: KubeObject, rules: HealthRules): boolean {
  return hasDigests(object) && hasHealthRule(object, rules);
}

/** Whether a version of an object follows another one; any does when there is no other one. */
export function isNewerVersion(version: string | undefined, other: string | undefined): boolean {
  return version !== other && !(Number(version) < Number(other));
}

/** Whether what is known from the apply says nothing of a version that a watch shows. */
export function isNews(
  version: string | undefined,
  known: Pick<AppliedHealth, 'resourceVersion' | 'health'> | undefined,
): boolean {
  if (known === undefined || known.health.isTentative) return true;
  return isNewerVersion(version, known.resourceVersion);
}

/** Health of an object that was not read yet, and that no watch shows with its values. */
export const unreadHealth: Health = { status: 'Unknown', message: 'its values have to be read' };

/**
 * What was read of objects whose values no watch keeps, by formatted id: verdicts, never values. A watch says when one is
 * outdated, and when it may be read again is said here.
 */
export class HealthReads {
  readonly #reads = new Map<string, HealthRead>();

  /** Notes a read, also one that failed. */
  note(id: string, read: HealthRead): void {
    this.#reads.set(id, read);
  }

  /** Returns the health as it was read last. */
  last(id: string): Health | undefined {
    return this.#reads.get(id)?.health;
  }

  /** Whether a watch shows a state that is newer than what was read. */
  isOutdated(id: string, version: string | undefined): boolean {
    const read = this.#reads.get(id);
    return read === undefined || isNewerVersion(version, read.resourceVersion);
  }

  /** Returns when an object may be read again, in milliseconds since the epoch. */
  dueAt(id: string): number {
    const read = this.#reads.get(id);
    return read === undefined ? 0 : read.at + leastReadMs;
  }

  /** Forgets all objects but these. */
  keepOnly(ids: Iterable<string>): void {
    const kept = new Set(ids);
    for (const id of this.#reads.keys()) if (!kept.has(id)) this.#reads.delete(id);
  }
}
