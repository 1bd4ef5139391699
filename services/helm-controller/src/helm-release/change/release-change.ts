import { changeDigestOf } from '@sluice/shared/applier';
import { desiredOf, type Run } from '../run.ts';

/**
 * Returns the digest of the change that makes the release what is desired: of what goes into it, not of what the
 * templates make of that, which may be another thing each time, and of the fields of the spec that say where, as whom and
 * how it is made. It is the same after a restart, and for a retry.
 */
export function releaseChangeDigest(run: Run): string {
  const { chart, configDigest, integers } = desiredOf(run);
  const { spec } = run.object;
  const { install = {}, upgrade = {} } = spec;
  return changeDigestOf([
    run.ctx.key,
    [chart.metadata.name, chart.metadata.version, chart.digest],
    [configDigest, integers],
    [run.releaseName, run.releaseNamespace, run.storageNamespace],
    [spec.serviceAccountName, spec.kubeConfig],
    [spec.postRenderers, spec.postRenderStrategy, spec.commonMetadata],
    [install.crds, install.skipCRDs, install.createNamespace, install.disableTakeOwnership],
    [install.disableHooks, install.serverSideApply, install.replace],
    [upgrade.crds, upgrade.force, upgrade.preserveValues, upgrade.disableTakeOwnership],
    [upgrade.disableHooks, upgrade.serverSideApply],
  ]);
}
