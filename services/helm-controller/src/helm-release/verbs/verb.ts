import { ActionError } from '../../action/context.ts';
import type { Release } from '../../release/release.ts';
import type { Action, ActionEnd, ActionRole, ActionType, Collected } from '../action.ts';
import type { Part } from '../action-context.ts';
import type { Run } from '../run.ts';

/** How actions of one type are done. */
export interface Verb<T extends ActionType> {
  role(action: Action<T>): ActionRole;
  /** Returns the limit of each single wait in milliseconds. */
  timeoutMs(run: Run): number;
  /** Does it; resolves when it has ended, whichever way. @throws the signal's reason when aborted */
  perform(run: Run, part: Part, action: Action<T>): Promise<ActionEnd>;
  /** Notes in the status, and announces, what it has come to. */
  collect(run: Run, end: ActionEnd, action: Action<T>): Promise<Collected>;
}

/** Waits for an action on a release, whichever way it ends. Aborts are no end. */
export async function endOf(
  part: Part,
  more: Partial<ActionEnd>,
  work: () => Promise<Release | undefined>,
): Promise<ActionEnd> {
  try {
    const release = await work();
    return { others: [], error: undefined, ...more, release };
  } catch (error) {
    part.signal.throwIfAborted();
    const release = error instanceof ActionError ? error.release : undefined;
    return { others: [], ...more, firstFailure: part.firstFailure, release, error };
  }
}
