import type { KubeObject } from '@sluice/shared/api';
import { watchObject } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';
import type { Session } from '../session.ts';
import { findTarget, nameOf, resourceOfTarget, type Target } from '../target/target.ts';
import { showPlan } from './run-plan.ts';

/** The longest that a timer runs, in milliseconds. */
const forEverMs = 2 ** 31 - 1;

/**
 * Prints the plan of the object that the command line names, again whenever it becomes another one or waits for
 * something else.
 *
 * @throws CliError when the object is gone; ApiError, ConnectionError. It does not return.
 */
export async function watchPlan(session: Session): Promise<never> {
  let target = await findTarget(session);
  while (true) {
    const shown = await shownState(session, target);
    target = await nextState(session, { target, shown });
  }
}

/** Shows a state; what cannot be told yet is said, and waited for. */
async function shownState(session: Session, target: Target): Promise<string> {
  try {
    await showPlan(session, target);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    session.terminal.note(error.message);
  }
  return stateOf(target);
}

async function nextState(
  { client }: Session,
  { target, shown }: { target: Target; shown: string },
): Promise<Target> {
  let next: KubeObject | undefined;
  await watchObject({
    client,
    resource: resourceOfTarget(target),
    key: target.metadata,
    timeoutMs: forEverMs,
    what: 'another plan',
    until(object) {
      next = object;
      return object === undefined || stateOf(object as Target) !== shown;
    },
  });
  if (next === undefined) throw new CliError(`${nameOf(target)} is gone`);
  return next as Target;
}

/** What is shown of an object, as far as it can change. */
function stateOf({ metadata, status }: Target): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const isCurrent = status?.observedGeneration === metadata.generation;
  const { plan, held } = status ?? {};
  return JSON.stringify([plan, held, ...(plan === undefined ? [ready, isCurrent] : [])]);
}
