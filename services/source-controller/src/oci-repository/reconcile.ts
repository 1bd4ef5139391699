import { done, type Outcome, withSpan } from '@sluice/shared/runtime';
import { fetchFailedCondition } from '../source/names.ts';
import { withProgress } from '../source/progress.ts';
import { adopt } from '../source/publish.ts';
import { makeUnlessRefused } from '../source/refused-content.ts';
import { ownerOf } from '../source/source.ts';
import { phase } from '../source/status.ts';
import { checkStored } from '../source/stored.ts';
import { TimeLimit } from '../source/time-limit.ts';
import { isVerified, verifySignature } from '../verification/verify-signature.ts';
import { build } from './build.ts';
import { connect } from './connect.ts';
import { contentConfigChanged, recordContentConfig } from './content.ts';
import type { OciContext, OciRepositoryDeps } from './deps.ts';
import { checkSpec } from './refuse.ts';
import { resolveRef } from './resolve-ref.ts';

/**
 * Keeps the artifact of an OCIRepository at the digest that its reference leads to: looks the digest up, and only
 * if it is another one, or settings changed, pulls the layer and stores it.
 */
export async function reconcileOciRepository(
  context: OciContext,
  deps: OciRepositoryDeps,
): Promise<Outcome> {
  const { object, status } = context;
  const { spec } = object;
  await checkStored(context, deps.store);
  const { client, ref, limit } = await phase(status, fetchFailedCondition, async () => {
    const address = checkSpec(context, deps, spec);
    const limit = new TimeLimit(spec.timeout, context.signal);
    const client = await connect(context, deps, address, limit);
    const ref = await withSpan('resolve revision', {}, () => resolveRef(client, spec, limit));
    return { client, limit, ref };
  });
  if (spec.verify !== undefined) {
    const content = { client, digest: ref.digest, what: `revision ${ref.revision}`, limit };
    if (!isVerified(context, content.what)) {
      await verifySignature(context, deps.verification, spec.verify, content);
    }
  }

  const stored = status.status.artifact;
  const message = `stored artifact with revision '${ref.revision}' from '${spec.url}'`;
  if (stored?.revision === ref.revision && !contentConfigChanged(spec, status.status)) {
    await adopt(context, deps.announcer, stored, message);
    return done();
  }
  const artifact = await makeUnlessRefused(context, deps.refused, ref.revision, () =>
    withProgress(context, `new revision '${ref.revision}' for '${spec.url}'`, () =>
      build(context, deps, { client, ref, limit }),
    ),
  );
  recordContentConfig(spec, status.status);
  status.status.url = deps.store.latestUrl(object.kind, ownerOf(object));
  await adopt(context, deps.announcer, artifact, message);
  return done();
}
