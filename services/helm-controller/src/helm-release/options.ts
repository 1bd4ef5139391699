import type { HelmRelease } from '@sluice/shared/api';
import type { CrdPolicy } from '../action/apply-crds.ts';
import type { ActionOptions } from '../action/context.ts';
import type { InstallOptions } from '../action/install.ts';
import type { RollbackOptions } from '../action/rollback.ts';
import type { UninstallOptions } from '../action/uninstall.ts';
import type { UpgradeOptions } from '../action/upgrade.ts';
import type { Release } from '../release/release.ts';
import { timeoutOf } from './spec.ts';

/** Records of a release that are kept unless told otherwise. */
const defaultMaxHistory = 5;

function commonOptionsOf(
  object: HelmRelease,
  action: 'install' | 'upgrade' | 'rollback',
  helm3Defaults: boolean,
): ActionOptions {
  const own = object.spec[action];
  return {
    waitStrategy: object.spec.waitStrategy?.name ?? (helm3Defaults ? 'legacy' : 'poller'),
    disableWait: own?.disableWait ?? false,
    disableWaitForJobs: own?.disableWaitForJobs ?? false,
    timeoutMs: timeoutOf(object, action),
    disableHooks: own?.disableHooks ?? false,
  };
}

/** Returns what to do with the CRDs of the chart. */
export function crdPolicyOf({ spec }: HelmRelease, action: 'install' | 'upgrade'): CrdPolicy {
  if (action === 'install' && spec.install?.skipCRDs) return 'Skip';
  return spec[action]?.crds ?? (action === 'install' ? 'Create' : 'Skip');
}

/** Returns how an install applies objects. */
export function installMethod({ spec }: HelmRelease, helm3Defaults: boolean): 'ssa' | 'csa' {
  return (spec.install?.serverSideApply ?? !helm3Defaults) ? 'ssa' : 'csa';
}

/** Returns how an upgrade applies objects: `auto` keeps to what the release used before. */
export function upgradeMethod(
  { spec }: HelmRelease,
  before: Pick<Release, 'apply_method'>,
): 'ssa' | 'csa' {
  const asked = spec.upgrade?.serverSideApply ?? 'auto';
  if (asked === 'auto') return before.apply_method === 'ssa' ? 'ssa' : 'csa';
  return asked === 'enabled' ? 'ssa' : 'csa';
}

/** Returns which objects spec.postRenderers see. */
export function postRenderStrategyOf({ spec }: HelmRelease, helm3Defaults: boolean) {
  return spec.postRenderStrategy ?? (helm3Defaults ? 'nohooks' : 'combined');
}

/** Returns how to install. */
export function installOptionsOf(object: HelmRelease, helm3Defaults: boolean): InstallOptions {
  const { install, targetNamespace } = object.spec;
  return {
    ...commonOptionsOf(object, 'install', helm3Defaults),
    takeOwnership: !install?.disableTakeOwnership,
    replace: install?.replace ?? false,
    createNamespace: Boolean(targetNamespace && install?.createNamespace),
  };
}

/** Returns how to upgrade. */
export function upgradeOptionsOf(object: HelmRelease, helm3Defaults: boolean): UpgradeOptions {
  const { upgrade, maxHistory } = object.spec;
  return {
    ...commonOptionsOf(object, 'upgrade', helm3Defaults),
    takeOwnership: !upgrade?.disableTakeOwnership,
    force: upgrade?.force ?? false,
    cleanupOnFail: upgrade?.cleanupOnFail ?? false,
    maxHistory: maxHistory ?? defaultMaxHistory,
  };
}

/** Returns how to roll back. */
export function rollbackOptionsOf(object: HelmRelease, helm3Defaults: boolean): RollbackOptions {
  const { rollback, maxHistory } = object.spec;
  return {
    ...commonOptionsOf(object, 'rollback', helm3Defaults),
    serverSideApply: rollback?.serverSideApply ?? 'auto',
    force: rollback?.force ?? false,
    cleanupOnFail: rollback?.cleanupOnFail ?? false,
    maxHistory: maxHistory ?? defaultMaxHistory,
  };
}

/** Returns how to uninstall. */
export function uninstallOptionsOf(object: HelmRelease): UninstallOptions {
  const { uninstall } = object.spec;
  return {
    timeoutMs: timeoutOf(object, 'uninstall'),
    disableWait: uninstall?.disableWait ?? false,
    disableHooks: uninstall?.disableHooks ?? false,
    keepHistory: uninstall?.keepHistory ?? false,
    propagation: uninstall?.deletionPropagation ?? 'background',
  };
}

/** Whether a test of a name is to be run. */
export function isTestSelected({ spec }: HelmRelease, name: string): boolean {
  const filters = spec.test?.filters ?? [];
  const included = filters.filter((filter) => !filter.exclude).map((filter) => filter.name);
  const excluded = filters.filter((filter) => filter.exclude).map((filter) => filter.name);
  return !excluded.includes(name) && (included.length === 0 || included.includes(name));
}
