import {
  overrideByAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { UsageError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import { print } from '../output/report.ts';
import { exitCodes, type Session } from '../session.ts';
import { annotate } from '../target/annotate.ts';
import { currentUser } from '../target/current-user.ts';
import { findTarget, nameOf, referenceOf } from '../target/target.ts';
import { confirmPlan } from './confirm-plan.ts';

/**
 * Has the plan of the object that the command line names applied in spite of what it waits for.
 *
 * @returns the exit code: 1 when the user has thought better of it
 * @throws UsageError without a reason, CliError, ApiError, ConnectionError
 */
export async function runOverride(session: Session): Promise<number> {
  const { reason } = session.invocation;
  if (reason === undefined) throw new UsageError('override needs --reason: say why');
  const target = await findTarget(session);
  const plan = await confirmPlan(session, target, 'Override what holds');
  if (plan === undefined) {
    session.terminal.note('Nothing was overridden.');
    return exitCodes.failed;
  }
  const user = await currentUser(session.client);
  const annotations = {
    [overridePlanAnnotation]: plan.digest,
    [overrideReasonAnnotation]: reason,
    [overrideByAnnotation]: user,
    [reconcileRequestAnnotation]: new Date(session.now()).toISOString(),
  };
  await annotate(session, target, { annotations });
  print(session, {
    text: () =>
      `${nameOf(target)}: plan ${oneLine(plan.digest)} is applied in spite of what holds it\n`,
    json: () => ({ ...referenceOf(target), annotations }),
  });
  return exitCodes.done;
}
