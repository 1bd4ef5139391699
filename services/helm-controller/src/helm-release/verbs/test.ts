import { errorMessage } from '@sluice/shared/base';
import { runTests, type TestFilter, testSelection } from '../../action/test.ts';
import { hasBeenTested } from '../../release/history.ts';
import { testHooksOf } from '../../release/snapshot.ts';
import type { ActionEnd, Collected } from '../action.ts';
import { actionContext, type Part } from '../action-context.ts';
import { saySuccess } from '../events.ts';
import type { Run } from '../run.ts';
import { activeRemediation, countFailure, timeoutOf } from '../spec.ts';
import {
  draftOf,
  latestSnapshot,
  noteRelease,
  setCondition,
  testSuccessCondition,
} from '../status.ts';
import { collectFailure, shown } from './collected.ts';
import { endOf, type Verb } from './verb.ts';

function filtersOf({ object }: Run): readonly TestFilter[] {
  return object.spec.test?.filters ?? [];
}

async function perform(run: Run, part: Part): Promise<ActionEnd> {
  return endOf(part, {}, async () => {
    const ctx = await actionContext(run, part);
    const release = run.last;
    if (release === undefined) throw new Error('there is no release to test');
    const timeoutMs = timeoutOf(run.object, 'test');
    return runTests(ctx, { release, options: { timeoutMs, filters: filtersOf(run) } });
  });
}

async function collect(run: Run, end: ActionEnd): Promise<Collected> {
  const { release, error } = end;
  if (release !== undefined) {
    const snapshot = noteRelease(run, release);
    snapshot.testHooks = testHooksOf(release, testSelection(filtersOf(run)));
  }
  const snapshot = latestSnapshot(run);
  const isTested = snapshot !== undefined && hasBeenTested(snapshot);
  const condition = testSuccessCondition;
  if (error !== undefined) {
    const reason = 'TestFailed';
    const message = `Helm test${shown(snapshot)} failed: ${errorMessage(error)}`;
    const isThrown = !isTested;
    await collectFailure(run, { condition, reason, message, isThrown, about: snapshot, end });
    const remediation = activeRemediation(run.object, draftOf(run));
    if (isTested && remediation && !remediation.ignoreTestFailures)
      countFailure(draftOf(run), remediation.action);
    return { reason, message, ...(!isTested && { error }) };
  }
  const reason = 'TestSucceeded';
  const count = Object.keys(snapshot?.testHooks ?? {}).length;
  const message = `Helm test${shown(snapshot)} succeeded: ${count} test hook${count === 1 ? '' : 's'}`;
  setCondition(run, condition, { status: 'True', reason, message });
  if (snapshot !== undefined) await saySuccess(run, { reason, message, about: snapshot });
  return { reason, message };
}

/** Runs the tests of a release. */
export const testVerb: Verb<'test'> = {
  role: () => 'test',
  timeoutMs: ({ object }) => timeoutOf(object, 'test'),
  perform,
  collect,
};
