import { CliError, UsageError } from '../errors.ts';
import { planText } from '../plan/plan-text.ts';
import { viewOfPlan } from '../plan/plan-view.ts';
import { type PlanSummary, readPlan } from '../plan/read-plan.ts';
import type { Session } from '../session.ts';
import { nameOf, type Target } from '../target/target.ts';

/**
 * Finds out which plan the user has seen and means: that of `--plan`, if it still waits, or the one that is shown here.
 *
 * @param verb what would be done, for the question
 * @returns the plan; undefined when the user has thought better of it
 * @throws UsageError when the user has seen none and cannot be asked, CliError when the plan is another one by now
 */
export async function confirmPlan(
  session: Session,
  target: Target,
  verb: string,
): Promise<PlanSummary | undefined> {
  const { plan: named, yes } = session.invocation;
  if (yes && named === undefined) {
    throw new UsageError('--yes needs --plan, the digest of the plan that you have seen');
  }
  const summary = target.status?.plan;
  if (summary === undefined) throw new CliError(`${nameOf(target)} has no plan: nothing waits`);
  if (named !== undefined && named !== summary.digest) {
    throw new CliError(
      `the plan of ${nameOf(target)} is another one by now, ${summary.digest}: look at it again`,
    );
  }
  if (yes) return summary;
  return (await asked(session, { target, summary, verb })) ? summary : undefined;
}

async function asked(
  session: Session,
  { target, summary, verb }: { target: Target; summary: PlanSummary; verb: string },
): Promise<boolean> {
  const { terminal } = session;
  if (terminal.ask === undefined) {
    throw new UsageError(
      'there is no terminal to ask at: name the plan with --plan and confirm with --yes',
    );
  }
  terminal.note(planText(viewOfPlan(await readPlan(session, { target, summary }))));
  const answer = await terminal.ask(`${verb} this plan? [y/N] `);
  return ['y', 'yes'].includes(answer.trim().toLowerCase());
}
