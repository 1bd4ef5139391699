import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Kustomization, kustomizationKind } from '@sluice/shared/api';
import {
  type ApplierDoors,
  type ApplierLogins,
  type ApplierParts,
  createApplierParts,
  kustomizeIdentity,
} from '@sluice/shared/applier';
import { ArtifactCache } from '@sluice/shared/artifact';
import { LruBytes, RefusedWork, systemClock } from '@sluice/shared/base';
import { onArtifacts } from '@sluice/shared/bus';
import {
  createKustomize,
  createSops,
  createSpawner,
  isOverLimit,
  type Spawner,
} from '@sluice/shared/cli';
import { networkGuardOf } from '@sluice/shared/net';
import type { Controller } from '@sluice/shared/runtime';
import { createRemoteBases } from './builder/remote-bases.ts';
import type { KustomizeConfig } from './config.ts';
import { DataKeys } from './decryption/data-keys.ts';
import {
  createKustomizationController,
  kustomizationIndexes,
  prefetchArtifact,
} from './kustomization/controller.ts';
import { createInventories } from './kustomization/inventories.ts';
import type { KustomizationDeps, KustomizationSettings } from './kustomization/run.ts';
import { sourceKeyOf } from './kustomization/source-id.ts';
import { KustomizationStates } from './kustomization/state.ts';
import { createKustomizationMetrics } from './metrics.ts';

const mebibyte = 1024 * 1024;
/** Limit of what is remembered about what builds looked at; without it, they are made anew. */
const maxSeenBytes = 16 * mebibyte;

/** The running service. */
export interface KustomizeController {
  controller: Controller<Kustomization>;
  /** Resolves when everything has ended after the signal aborted. */
  ended: Promise<void>;
}

function settingsOf({ flags, gates, namespace }: KustomizeConfig): KustomizationSettings {
  return {
    concurrentApplies: flags['concurrent-ssa'],
    noCrossNamespaceRefs: flags['no-cross-namespace-refs'],
    leastTimeoutMs: flags['least-timeout'],
    identity: kustomizeIdentity(flags['override-manager']),
    customApplyStageKinds: flags['custom-apply-stage-kinds'],
    controllersNamespace: namespace,
    strictSubstitutions: gates.StrictPostBuildSubstitutions,
    externalArtifacts: gates.ExternalArtifact,
    failFast: !gates.DisableFailFastBehavior,
    pinsArtifacts: flags['pin-artifacts'],
    ageSecret:
      flags['sops-age-secret'] === '' ? undefined : { namespace, name: flags['sops-age-secret'] },
    tempDir: join(flags['work-path'], 'builds'),
  };
}

function dataKeysOf({ flags, namespace }: KustomizeConfig, logins: ApplierLogins): DataKeys {
  const flag = 'default-decryption-service-account';
  const defaultServiceAccount = flags[flag];
  const vaultLogins = flags['sops-vault-configmap'];
  return new DataKeys({
    ...logins,
    identities: logins.identities.withAccount({ flag, name: defaultServiceAccount }),
    defaultServiceAccount,
    clock: systemClock,
    vaultLogins: vaultLogins === '' ? undefined : { namespace, name: vaultLogins },
  });
}

function createDependencies(
  config: KustomizeConfig,
  doors: ApplierDoors,
  spawner: Spawner,
): { deps: KustomizationDeps; parts: ApplierParts<Kustomization> } {
  const { flags } = config;
  const settings = settingsOf(config);
  // A process that was killed may have left something in it.
  rmSync(settings.tempDir, { recursive: true, force: true });
  const states = new KustomizationStates();
  const parts = createApplierParts<Kustomization>(config, doors, {
    kind: kustomizationKind,
    indexes: kustomizationIndexes,
    identity: settings.identity,
    sourceKinds: ['GitRepository', 'OCIRepository', 'Bucket', 'ExternalArtifact'],
    states,
    sourceOf: sourceKeyOf,
    inventoriesOf: (informer) => createInventories(informer, states),
  });
  const deps: KustomizationDeps = {
    ...parts,
    settings,
    states,
    kustomizations: parts.informer,
    artifacts: new ArtifactCache({
      ...parts.download,
      dir: join(flags['work-path'], 'artifacts'),
      maxBytes: flags['artifact-cache-size'] * mebibyte,
    }),
    kustomize: createKustomize({ binary: flags['kustomize-builder'] }),
    refused: new RefusedWork(isOverLimit, systemClock),
    remoteBases: flags['no-remote-bases'] ? undefined : createRemoteBases(networkGuardOf(flags)),
    sops: createSops({
      binary: flags['sops-binary'],
      tempDir: settings.tempDir,
      runCommand: spawner.run,
    }),
    dataKeys: dataKeysOf(config, parts.logins),
    builds: new LruBytes(flags['build-cache-size'] * mebibyte),
    seen: new LruBytes(maxSeenBytes),
    metrics: createKustomizationMetrics(doors.metrics.registry),
    revisit: () => undefined,
  };
  return { deps, parts };
}

/**
 * Starts the service: its watches, then its reconciles.
 *
 * @returns once the watches of sources know everything
 */
export async function startKustomizeController(
  config: KustomizeConfig,
  doors: ApplierDoors,
  signal: AbortSignal,
): Promise<KustomizeController> {
  const { logger, bus } = doors;
  const spawner = createSpawner();
  const { deps, parts } = createDependencies(config, doors, spawner);
  const { configs } = parts;
  const controller = createKustomizationController({ ...parts.controller, deps, configs });
  await parts.start(signal);
  const notices = bus && onArtifacts(bus, prefetchArtifact(deps, logger));
  const run = async () => {
    try {
      await controller.run(signal);
    } finally {
      await notices?.stop();
      await Promise.all([deps.artifacts.close(), spawner.close()]);
      await Promise.all([deps.kustomize.close(), deps.remoteBases?.close()]);
      await parts.stop();
    }
  };
  return { controller, ended: run() };
}
