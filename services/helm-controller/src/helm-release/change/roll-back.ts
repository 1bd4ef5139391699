import {
  acceptRollback,
  changeDigestOf,
  formerRelease,
  goneBack,
  heldByRollback,
  type RollbackRequest,
  refuseRollback,
  releaseOf,
  rollbackRequestOf,
  whyNoRequest,
} from '@sluice/shared/applier';
import type { Release } from '../../release/release.ts';
import type { Snapshot } from '../../release/snapshot.ts';
import { actionContext } from '../action-context.ts';
import { type Decision, intactRelease } from '../decide.ts';
import { whyOutOfSync } from '../observe.ts';
import { desiredOf, type Run } from '../run.ts';
import { draftOf, latestSnapshot } from '../status.ts';
import { holdingOf } from './hold.ts';
import { rollbackDeletions } from './planned-deletions.ts';
import { partOf } from './propose-release.ts';
import { releaseChangeDigest } from './release-change.ts';

/** Digest of the change that is gone back to: what led to that release is not known any more. */
function formerDigest({ ctx }: Run, release: Pick<Snapshot, 'name' | 'namespace' | 'version'>) {
  return changeDigestOf([ctx.key, releaseOf(release)]);
}

/** Returns why going back deletes more than the guard allows. */
async function whyGuarded(run: Run, to: Release): Promise<string | undefined> {
  const { last, deps, object } = run;
  return deps.changes.whyGuarded(object, {
    managed: draftOf(run).inventory?.entries.length ?? 0,
    deletions: async () => {
      if (last === undefined) return 0;
      const ctx = await actionContext(run, partOf(run));
      return (await rollbackDeletions(ctx, { to, last })).length;
    },
  });
}

/** Returns what is gone back to, once nothing speaks against it. */
async function answerTo(
  run: Run,
  request: RollbackRequest,
): Promise<{ to: Snapshot; latest: Snapshot } | { why: string }> {
  const { object, last } = run;
  const status = draftOf(run);
  const latest = latestSnapshot(run);
  const why = whyNoRequest(object, request, latest && releaseOf(latest));
  if (why !== undefined) return { why };
  if (latest === undefined) return { why: 'nothing was released yet' };
  const back = formerRelease({ spec: object.spec, status });
  if (back.type === 'none') return back;
  if (last !== undefined && whyOutOfSync(run, last) !== undefined) {
    const { version } = desiredOf(run).chart.metadata;
    return { why: `something newer is about to be released, with chart version ${version}` };
  }
  const { to } = back;
  const stored = await intactRelease(run, to);
  if (stored === undefined)
    return { why: `the record of ${releaseOf(to)} is gone, or was changed by somebody` };
  const tooMuch = await whyGuarded(run, stored);
  return tooMuch === undefined ? { to, latest } : { why: tooMuch };
}

/**
 * Takes note of a request, by annotations of the object, for the good release before the newest one, once: what is
 * desired is refused from then on. That is in the status before anything is done, so that whatever interrupts it is no
 * reason to begin anew. A request that cannot be met is refused, which is told. While an action is not finished, it waits.
 *
 * @throws ApiError, ConnectionError when the records cannot be read or the status cannot be written now
 */
export async function answerRollback(run: Run): Promise<void> {
  const { object, ctx, found } = run;
  const status = draftOf(run);
  const request = rollbackRequestOf({ ...object, status });
  if (request === undefined || found?.type === 'pending' || found?.type === 'uninstalling') return;
  const answer = await answerTo(run, request);
  const holding = holdingOf(run);
  if ('why' in answer) return refuseRollback(holding, request, answer.why);
  const { to, latest } = answer;
  const present = { digest: releaseChangeDigest(run), revision: latest.chartVersion };
  const former = { digest: formerDigest(run, to), revision: to.chartVersion, snapshot: undefined };
  const next = goneBack(present, former, request);
  const { message } = heldByRollback(next, latest.chartVersion);
  await acceptRollback(holding, request, { message, before: latest.digest, after: to.digest });
  status.change = next;
  await ctx.status.patch();
}

/** Returns the revision to which the newest release went back, if that is the one that was asked for. */
function goneBackTo(run: Run): number | undefined {
  const { last } = run;
  const version = last?.info.rollback_revision;
  if (last === undefined || version === undefined) return undefined;
  const { name, namespace } = last;
  const digest = formerDigest(run, { name, namespace, version });
  return digest === draftOf(run).change?.digest ? version : undefined;
}

/**
 * Decides in another way when what is desired was refused: it is gone back from, until that has succeeded, and then waits
 * at the gate for something else.
 */
export function decideOnRefused(run: Run, decision: Decision): Decision {
  const { type } = decision;
  const { change, history = [] } = draftOf(run);
  if (change?.refused === undefined || change.refused !== releaseChangeDigest(run)) return decision;
  if (type === 'wait' || type === 'unlock' || type === 'install') return decision;
  const version = goneBackTo(run);
  if (version !== undefined && run.found?.type !== 'failed') return { type: 'upgrade' };
  const to = version ?? history.find((one) => formerDigest(run, one) === change.digest)?.version;
  return to === undefined ? { type: 'upgrade' } : { type: 'rollback', version: to, isAsked: true };
}
