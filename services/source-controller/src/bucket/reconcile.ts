import { done, type Outcome, withSpan } from '@sluice/shared/runtime';
import { fetchFailedCondition } from '../source/names.ts';
import { withProgress } from '../source/progress.ts';
import { adopt } from '../source/publish.ts';
import { makeUnlessRefused } from '../source/refused-content.ts';
import { ownerOf } from '../source/source.ts';
import { phase } from '../source/status.ts';
import { checkStored } from '../source/stored.ts';
import { TimeLimit } from '../source/time-limit.ts';
import { bucketOperation } from './bucket-errors.ts';
import { build } from './build.ts';
import { connect } from './connect.ts';
import type { BucketContext, BucketDeps } from './deps.ts';
import { indexObjects } from './index-objects.ts';
import { checkSpec } from './refuse.ts';
import { isRevisionOf, revisionOf } from './revision.ts';

/**
 * Keeps the artifact of a Bucket at the objects that it has: lists them, and only if keys or etags are others than
 * those of the stored artifact, downloads and packs them.
 */
export async function reconcileBucket(context: BucketContext, deps: BucketDeps): Promise<Outcome> {
  const { object, status } = context;
  const { spec } = object;
  await checkStored(context, deps.store);
  const { storage, objects, limit } = await phase(status, fetchFailedCondition, async () => {
    checkSpec(spec, deps);
    const limit = new TimeLimit(spec.timeout, context.signal);
    const what = `failed to list the objects of bucket '${spec.bucketName}'`;
    return bucketOperation({ bucket: spec.bucketName, what, limit }, async () => {
      const storage = await connect(context, deps, limit);
      const objects = await withSpan('list objects', {}, () => indexObjects(storage, spec, deps));
      return { storage, objects, limit };
    });
  });

  const stored = status.status.artifact;
  if (stored !== undefined && (await isRevisionOf(stored.revision, objects))) {
    recordIgnore(context);
    await adopt(context, deps.announcer, stored, said(objects.length, spec.bucketName));
    return done();
  }
  const revision = await revisionOf(objects, deps.store.digestAlgorithm);
  const { artifact, files } = await makeUnlessRefused(context, deps.refused, revision, () =>
    withProgress(context, `new upstream revision '${revision}'`, () =>
      build(context, deps, { storage, objects, limit }),
    ),
  );
  recordIgnore(context);
  status.status.url = deps.store.latestUrl(object.kind, ownerOf(object));
  await adopt(context, deps.announcer, artifact, said(files, spec.bucketName));
  return done();
}

function said(files: number, bucket: string): string {
  return `stored artifact with ${files} fetched files from '${bucket}' bucket`;
}

function recordIgnore({ object: { spec }, status: { status } }: BucketContext): void {
  if (spec.ignore === undefined) delete status.observedIgnore;
  else status.observedIgnore = spec.ignore;
}
