import type { Action, ActionEnd, ActionRole, ActionType, Collected } from '../action.ts';
import type { Part } from '../action-context.ts';
import type { Run } from '../run.ts';
import { installVerb } from './install.ts';
import { rollbackVerb } from './rollback.ts';
import { testVerb } from './test.ts';
import { uninstallVerb } from './uninstall.ts';
import { unlockVerb } from './unlock.ts';
import { upgradeVerb } from './upgrade.ts';
import type { Verb } from './verb.ts';

const verbs: { [T in ActionType]: Verb<T> } = {
  install: installVerb,
  upgrade: upgradeVerb,
  rollback: rollbackVerb,
  uninstall: uninstallVerb,
  test: testVerb,
  unlock: unlockVerb,
};

/** Returns what an action is to the course of an attempt. */
export function roleOf<T extends ActionType>(action: Action<T>): ActionRole {
  return verbs[action.type].role(action);
}

/** Returns the limit of each single wait of an action in milliseconds. */
export function timeoutMsOf(run: Run, { type }: Action): number {
  return verbs[type].timeoutMs(run);
}

/** Does what was decided; resolves when it has ended, whichever way. @throws the signal's reason when aborted */
export function perform<T extends ActionType>(
  run: Run,
  part: Part,
  action: Action<T>,
): Promise<ActionEnd> {
  return verbs[action.type].perform(run, part, action);
}

/** Notes in the status, and announces, what an action has come to. */
export function collectEnd<T extends ActionType>(
  run: Run,
  end: ActionEnd,
  action: Action<T>,
): Promise<Collected> {
  return verbs[action.type].collect(run, end, action);
}
