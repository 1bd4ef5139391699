import type { FormerRelease } from './action.ts';
import { desiredOf, type Run } from './run.ts';
import { startAction } from './running-action.ts';
import type { RunningAction } from './state.ts';
import { draftOf, latestSnapshot } from './status.ts';

/** Says in what the release that was made last is another one than that of the spec; undefined when it is the same. */
export function whyOtherTarget(run: Run): string | undefined {
  const { storageNamespace } = draftOf(run);
  const snapshot = latestSnapshot(run);
  if (!storageNamespace || snapshot === undefined) return undefined;
  if (storageNamespace !== run.storageNamespace) return 'storage namespace';
  if (snapshot.namespace !== run.releaseNamespace) return 'release namespace';
  if (snapshot.name !== run.releaseName) return 'release name';
  const strategy = run.object.spec.upgrade?.chartNameChangeStrategy ?? 'Reinstall';
  const isOtherChart = snapshot.chartName !== desiredOf(run).chart.metadata.name;
  return isOtherChart && strategy === 'Reinstall' ? 'chart name' : undefined;
}

/** Returns the release that was made last; undefined when there is none. */
export function formerTarget(run: Run): FormerRelease | undefined {
  const { storageNamespace } = draftOf(run);
  const snapshot = latestSnapshot(run);
  if (!storageNamespace || snapshot === undefined) return undefined;
  return { name: snapshot.name, storageNamespace };
}

/**
 * Starts to uninstall the release that was made last, which is no longer wanted.
 *
 * @returns undefined when there is none
 */
export function startUninstallFormer(run: Run, fingerprint: string): RunningAction | undefined {
  const former = formerTarget(run);
  return former && startAction(run, { type: 'uninstall', former }, fingerprint);
}
