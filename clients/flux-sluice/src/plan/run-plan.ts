import type { Condition } from '@sluice/shared/api';
import { CliError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { code } from '../output/markdown.ts';
import { print, type Report } from '../output/report.ts';
import { exitCodes, type Session } from '../session.ts';
import { findTarget, nameOf, referenceOf, type Target } from '../target/target.ts';
import { planMarkdown } from './plan-markdown.ts';
import { planText } from './plan-text.ts';
import { viewOfPlan } from './plan-view.ts';
import { readPlan, type WaitingPlan } from './read-plan.ts';

/**
 * Prints the plan of the object that the command line names.
 *
 * @returns the exit code: 2 when there is a plan, 0 when nothing would change
 * @throws CliError when neither is known; ApiError, ConnectionError
 */
export async function runPlan(session: Session): Promise<number> {
  return showPlan(session, await findTarget(session));
}

/**
 * Prints the plan of an object; as {@link runPlan}.
 */
export async function showPlan(session: Session, target: Target): Promise<number> {
  const summary = target.status?.plan;
  noteOdd(session, target);
  if (summary === undefined) {
    checkSettled(target);
    print(session, nothingReport(target));
    return exitCodes.done;
  }
  print(session, planReport(await readPlan(session, { target, summary })));
  return exitCodes.changes;
}

function noteOdd({ terminal }: Session, target: Target): void {
  const { spec, status, metadata } = target;
  if (spec?.suspend) terminal.note(`${nameOf(target)} is suspended: nothing is planned anew.`);
  if (status?.plan && (status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    terminal.note(`${nameOf(target)} has changed since: a new plan is on its way.`);
  }
}

/** That there is no plan means that nothing would change only of an object that has been brought up to date. */
function checkSettled(target: Target): void {
  const { status, metadata } = target;
  const ready = status?.conditions?.find(({ type }: Condition) => type === 'Ready');
  const isCurrent = status?.observedGeneration === metadata.generation;
  if (ready?.status === 'True' && isCurrent) return;
  const why =
    isCurrent && ready
      ? `it is not ready: ${oneLine(ready.message)}`
      : 'it has not been looked at yet';
  throw new CliError(`whether ${nameOf(target)} would change anything is not known: ${why}`);
}

function revisionOf(target: Target): string | undefined {
  const { status } = target;
  if (status === undefined) return undefined;
  return 'lastAppliedRevision' in status ? status.lastAppliedRevision : status.change?.revision;
}

function nothingReport(target: Target): Report {
  const revision = revisionOf(target);
  const { namespace, name } = target.metadata;
  return {
    text: () =>
      `${nameOf(target)}: nothing to change${revision ? ` at ${oneLine(revision)}` : ''}\n`,
    json: () => ({ ...referenceOf(target), plan: null, held: null, revision: revision ?? null }),
    markdown: () =>
      `### ${oneLine(target.kind)} ${code(`${namespace}/${name}`)}: nothing to change\n`,
  };
}

function planReport(waiting: WaitingPlan): Report {
  const { target, plan, held } = waiting;
  const { targetRef: _, ...rest } = plan.spec;
  return {
    text: () => planText(viewOfPlan(waiting)),
    json: () => ({ ...referenceOf(target), plan: rest, held: held ?? null }),
    markdown: () => planMarkdown(viewOfPlan(waiting)),
  };
}
