import type { Action, ActionType } from '../action.ts';
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

/** Returns how an action is done. */
export function verbOf<T extends ActionType>({ type }: Action<T>): Verb<T> {
  return verbs[type];
}
