import { hasFailedTest } from '@sluice/shared/applier';
import { hasBeenTested } from '../release/history.ts';
import { isPending, type Release } from '../release/release.ts';
import type { StoredRevision } from '../release/release-secret.ts';
import { type Snapshot, verifySnapshot } from '../release/snapshot.ts';
import { fieldManager } from '../release/storage.ts';
import { valuesDigest } from '../values/digest.ts';
import { keepsValues } from '../values/kept.ts';
import { knownRevision } from './known-revision.ts';
import { commonMetadataDigest, postRenderersDigest } from './observed-digests.ts';
import type { ReleaseCondition } from './release-condition.ts';
import { desiredOf, type Run, storageOf } from './run.ts';
import { activeRemediation } from './spec.ts';
import { draftOf, latestSnapshot } from './status.ts';
import { noteUnnotedRevision } from './unnoted-revision.ts';

function hasWantedValues({ deps, object, desired }: Run, { config = {} }: Release): boolean {
  if (valuesDigest(config, deps.settings.digestAlgorithm) === desired?.configDigest) return true;
  const keeps = object.spec.upgrade?.preserveValues === true;
  return keeps && desired !== undefined && keepsValues(config, desired.values);
}

/** Says in what a release is another one than is desired; undefined when it is not. */
export function whyOutOfSync(run: Run, release: Release): string | undefined {
  const { chart } = desiredOf(run);
  const { name, version } = release.chart.metadata;
  if (name !== chart.metadata.name || version !== chart.metadata.version)
    return `the chart is ${name}@${version}, not ${chart.metadata.name}@${chart.metadata.version}`;
  if (!hasWantedValues(run, release)) return 'the values are others';
  const status = draftOf(run);
  const { metadata, spec } = run.object;
  // A change that waits was observed, and is yet to be made.
  if (status.observedGeneration === metadata.generation && status.held === undefined)
    return undefined;
  if (postRenderersDigest(spec.postRenderers) !== status.observedPostRenderersDigest)
    return 'spec.postRenderers is another';
  if (commonMetadataDigest(spec.commonMetadata) !== status.observedCommonMetadataDigest)
    return 'spec.commonMetadata is another';
  return undefined;
}

function judgeDeployed(run: Run, release: Release, revision: StoredRevision): ReleaseCondition {
  const why = whyOutOfSync(run, release);
  if (why !== undefined) return { type: 'out-of-sync', why };
  const snapshot = latestSnapshot(run);
  if (run.object.spec.test?.enable && snapshot !== undefined) {
    if (!hasBeenTested(snapshot)) return { type: 'untested' };
    const remediation = activeRemediation(run.object, draftOf(run));
    if (remediation && !remediation.ignoreTestFailures && hasFailedTest(snapshot))
      return { type: 'failed' };
  }
  return { type: 'in-sync', release, revision };
}

/** Whether status.history tells of a release as it is stored. */
function isKnown(snapshot: Snapshot | undefined, release: Release): boolean {
  return (
    snapshot?.name === release.name &&
    snapshot.namespace === release.namespace &&
    snapshot.version === release.version &&
    verifySnapshot(snapshot, release) !== 'changed'
  );
}

async function judge(
  run: Run,
  release: Release,
  revision: StoredRevision,
): Promise<ReleaseCondition> {
  const { status } = release.info;
  if (status === 'uninstalling') return { type: 'uninstalling', release, revision };
  if (isPending(release)) return { type: 'pending', release, revision };
  const snapshot = latestSnapshot(run);
  if (snapshot === undefined && status === 'uninstalled') return { type: 'absent' };
  if (!isKnown(snapshot, release)) {
    if (revision.writer.manager !== fieldManager)
      return {
        type: 'unmanaged',
        why: `revision ${release.version} was not made or was changed by somebody else`,
      };
    await noteUnnotedRevision(run, release, {
      isDesired: whyOutOfSync(run, release) === undefined,
    });
  }
  if (status === 'failed') return { type: 'failed' };
  if (status === 'uninstalled') return { type: 'absent' };
  if (status === 'deployed') return judgeDeployed(run, release, revision);
  return { type: 'unmanaged', why: `revision ${release.version} is ${status}` };
}

/**
 * Compares the newest stored release with status.history and with what is desired.
 *
 * @param o.anew looks at the records even when the watch says that they are known; not at what this very reconcile has
 * written
 * @throws ApiError, ConnectionError when the records cannot be read
 */
export async function observeRelease(run: Run, o: { anew: boolean }): Promise<ReleaseCondition> {
  const storage = await storageOf(run);
  run.isRemembered = false;
  const { releaseWatch } = run.deps;
  const key = { namespace: run.storageNamespace, name: run.releaseName };
  // Before anything was released, the watch spares a request.
  if (
    run.object.spec.kubeConfig === undefined &&
    releaseWatch.isAbsent(key) &&
    !latestSnapshot(run)
  )
    return { type: 'absent' };
  const known = o.anew && !run.hasActed ? undefined : knownRevision(run);
  run.isRemembered = known !== undefined && !run.hasActed;
  for (const revision of known ? [known] : await storage.revisions(run.releaseName)) {
    const release = await storage.read(revision);
    if (release === undefined) continue;
    run.last = release;
    run.state.known = revision;
    return judge(run, release, revision);
  }
  run.state.known = undefined;
  return { type: 'absent' };
}
