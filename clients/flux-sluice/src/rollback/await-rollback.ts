import type { KubeObject } from '@sluice/shared/api';
import { watchObject } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';
import { oneLine } from '../output/clean.ts';
import type { Session } from '../session.ts';
import { nameOf, resourceOfTarget, type Target } from '../target/target.ts';

/**
 * Waits until the controller has gone back.
 *
 * @param requestedAt names the request
 * @returns the object then
 * @throws CliError when the controller refuses or fails to, or the object is gone; ConnectionError `TIMEOUT` when it takes
 * longer than `--timeout`; ApiError, ConnectionError
 */
export async function awaitRollback(
  { client, invocation }: Session,
  target: Target,
  requestedAt: string,
): Promise<Target> {
  let seen: KubeObject | undefined;
  await watchObject({
    client,
    resource: resourceOfTarget(target),
    key: target.metadata,
    timeoutMs: invocation.timeoutMs,
    what: 'the rollback, which goes on',
    until(object) {
      seen = object;
      return object === undefined || isSettled(object as Target, requestedAt);
    },
  });
  if (seen === undefined) throw new CliError(`${nameOf(target)} is gone`);
  const settled = seen as Target;
  const { rollback } = settled.status ?? {};
  if (rollback?.result === 'Refused')
    throw new CliError(`${nameOf(target)}: ${oneLine(rollback.message)}`);
  const failure = failureOf(settled);
  if (failure === undefined) return settled;
  throw new CliError(
    `${nameOf(target)} did not go back, which is tried again: ${oneLine(failure)}`,
  );
}

function isSettled(target: Target, requestedAt: string): boolean {
  const { rollback, lastHandledReconcileAt, held, change } = target.status ?? {};
  if (rollback?.requestedAt !== requestedAt) return false;
  if (rollback.result === 'Refused') return true;
  if (lastHandledReconcileAt !== requestedAt) return false;
  // What was undone is held from then on, or something newer has taken its place.
  return held !== undefined || change?.refused === undefined || failureOf(target) !== undefined;
}

/** Says why the former change could not be applied again. */
function failureOf({ kind, status }: Target): string | undefined {
  const [type, ...reasons] =
    kind === 'Kustomization' ? ['Ready'] : ['Remediated', 'RollbackFailed'];
  const found = status?.conditions?.find((condition) => condition.type === type);
  if (found?.status !== 'False' || found.reason === 'RolledBack') return undefined;
  return reasons.length === 0 || reasons.includes(found.reason) ? found.message : undefined;
}
