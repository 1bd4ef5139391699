import { done, type Outcome, withSpan } from '@sluice/shared/runtime';
import { fetchFailedCondition, includeUnavailableCondition } from '../source/names.ts';
import { withProgress } from '../source/progress.ts';
import { adopt } from '../source/publish.ts';
import { makeUnlessRefused } from '../source/refused-content.ts';
import { phase } from '../source/status.ts';
import { checkStored } from '../source/stored.ts';
import { TimeLimit } from '../source/time-limit.ts';
import { build } from './build.ts';
import { connect, remember } from './connect.ts';
import { contentConfigChanged, recordContentConfig } from './content.ts';
import type { GitContext, GitRepositoryDeps } from './deps.ts';
import { gitOperation } from './git-errors.ts';
import { findIncluded } from './includes.ts';
import { checkSpec } from './refuse.ts';
import { resolveRef } from './resolve-ref.ts';

/**
 * Keeps the artifact of a GitRepository at the commit that its reference leads to: looks the reference up, and
 * only if it moved, or settings changed, fetches the commit and packs it.
 */
export async function reconcileGitRepository(
  context: GitContext,
  deps: GitRepositoryDeps,
): Promise<Outcome> {
  const { object, status } = context;
  const { spec } = object;
  await checkStored(context, deps.store);
  const { address, limit } = await phase(status, fetchFailedCondition, async () => ({
    address: checkSpec(spec, deps),
    limit: new TimeLimit(spec.timeout, context.signal),
  }));
  const includes = await phase(status, includeUnavailableCondition, async () =>
    findIncluded(object, deps.find),
  );
  const { remote, ref } = await phase(status, fetchFailedCondition, async () => {
    const remote = await connect(context, deps, address, limit);
    const ref = await withSpan('resolve revision', {}, () =>
      gitOperation(spec.url, limit, () => resolveRef(remote, spec.ref ?? {}, limit.signal)),
    );
    return { remote, ref };
  });
  remember(context, deps, remote);

  const stored = status.status.artifact;
  if (stored?.revision === ref.revision && !contentConfigChanged(spec, status.status, includes)) {
    await adopt(context, deps.announcer, stored, `stored artifact for commit '${ref.revision}'`);
    return done();
  }
  const content = [ref.revision, ...includes.map(({ digest }) => digest)].join(' ');
  const { artifact, subject } = await makeUnlessRefused(context, deps.refused, content, () =>
    withProgress(context, `new upstream revision '${ref.revision}'`, () =>
      build(context, deps, { address, remote, ref, limit, includes }),
    ),
  );
  recordContentConfig(spec, status.status, includes);
  await adopt(context, deps.announcer, artifact, `stored artifact for commit '${short(subject)}'`);
  return done();
}

const maxSubjectLength = 50;

function short(subject: string): string {
  return subject.length > maxSubjectLength ? `${subject.slice(0, maxSubjectLength)}...` : subject;
}
