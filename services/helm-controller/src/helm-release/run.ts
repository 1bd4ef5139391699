import type { Artifact, HelmRelease } from '@sluice/shared/api';
import type { Audit, ChangeControl, DependencyWatch } from '@sluice/shared/applier';
import type { ArtifactCache } from '@sluice/shared/artifact';
import {
  type FairSlots,
  type RefusedWork,
  SecretMasker,
  type TextDigestAlgorithm,
} from '@sluice/shared/base';
import type { ApplierIdentity, Clusters, HealDrift, Target } from '@sluice/shared/engine';
import type { Informer } from '@sluice/shared/kube';
import type { Priority, ReconcileContext } from '@sluice/shared/runtime';
import type { SourceObject, Sources } from '@sluice/shared/service';
import type { ChartCache } from '../chart/acquire.ts';
import type { HelmReleaseMetrics } from '../metrics.ts';
import { releaseNamespaceOf, storageNamespaceOf, wantedNameOf } from '../release/name.ts';
import type { Release } from '../release/release.ts';
import { openReleaseStorage, type ReleaseCache, type ReleaseStorage } from '../release/storage.ts';
import type { Renderer } from '../render/renderer.ts';
import type { ReleaseCondition } from './release-condition.ts';
import type { ReleaseWatch } from './release-watch.ts';
import type { ReleaseAction } from './spec.ts';
import type { Desired, HelmReleaseState, HelmReleaseStates } from './state.ts';

/** Settings of the controller, from its flags. */
export interface HelmReleaseSettings {
  /** Objects of one release that are applied at once. */
  concurrentApplies: number;
  noCrossNamespaceRefs: boolean;
  /** As what objects are applied. */
  identity: ApplierIdentity;
  /** Of the checksums in the status. */
  digestAlgorithm: TextDigestAlgorithm;
  /** Namespace of the controllers. */
  controllersNamespace: string;
  /** Gates. */
  externalArtifacts: boolean;
  retryByDefault: boolean;
  /** Whether the artifact of the chart that was last released is named in the status. */
  pinsArtifacts: boolean;
  allowDnsLookups: boolean;
  helm3Defaults: boolean;
}

/** What all reconciles of HelmReleases share. */
export interface HelmReleaseDeps {
  settings: HelmReleaseSettings;
  charts: ChartCache;
  /** Artifacts that values are read from. */
  artifacts: ArtifactCache;
  renderer: Renderer;
  /** Renderings that were over a limit. */
  refused: RefusedWork;
  releases: ReleaseCache;
  releaseWatch: ReleaseWatch;
  states: HelmReleaseStates;
  sources: Sources;
  helmReleases: Informer<HelmRelease>;
  dependencies: DependencyWatch;
  changes: ChangeControl;
  clusters: Clusters;
  healDrift: HealDrift;
  metrics: HelmReleaseMetrics;
  audit: Audit;
  /** Permits for the parts of actions that work; a namespace is a share. */
  slots: FairSlots;
  /** Brings a key back; set once the controller is there. */
  revisit(key: string, priority: Priority): void;
}

/** One reconcile of one HelmRelease. */
export interface Run {
  ctx: ReconcileContext<HelmRelease>;
  deps: HelmReleaseDeps;
  object: HelmRelease;
  state: HelmReleaseState;
  masker: SecretMasker;
  startedAt: number;
  /** The release is to be made once more, although it is as desired or out of retries. */
  forced: boolean;
  /** What is tried is not what was tried last. */
  isNewAttempt: boolean;
  /** An action has ended in this reconcile. */
  hasActed: boolean;
  /** What was last found of the release comes from an earlier reconcile, and from a watch that may lag. */
  isRemembered: boolean;
  releaseName: string;
  releaseNamespace: string;
  storageNamespace: string;
  /** The artifact of the chart, once it is known. */
  artifact?: Artifact;
  /** Set once it is known. */
  desired?: Desired;
  target?: Target;
  /** What an action would release, as it was rendered to judge it; the action that follows takes it. */
  rendered?: { action: ReleaseAction; release: Release } | undefined;
  /** How that compares with what is desired. */
  found?: ReleaseCondition;
  /** Takes back what was noted of an attempt that is not made. */
  withdrawAttempt?(): void;
  /** When drift has to be looked at again, once it was corrected while a change waits. */
  healed?: Promise<number | undefined>;
  /** The HelmChart of spec.chart, if this reconcile has written it. */
  helmChart?: SourceObject;
  /** The newest stored revision as it was last read. */
  last?: Release | undefined;
}

/** Begins a reconcile, or the end of a HelmRelease, for which the name of its release may be one that Helm refuses. */
export function startRun(ctx: ReconcileContext<HelmRelease>, deps: HelmReleaseDeps): Run {
  const { object } = ctx;
  const state = deps.states.for(ctx.key, object.metadata.uid);
  if (state.unwritten !== undefined) ctx.status.redo(state.unwritten);
  state.unwritten = undefined;
  return {
    ctx,
    deps,
    object,
    state,
    masker: new SecretMasker(),
    startedAt: ctx.clock.now(),
    forced: false,
    isNewAttempt: false,
    hasActed: false,
    isRemembered: false,
    releaseName: wantedNameOf(object),
    releaseNamespace: releaseNamespaceOf(object),
    storageNamespace: storageNamespaceOf(object),
  };
}

/** Returns what is to be released in a run that has come that far. */
export function desiredOf(run: Run): Desired {
  if (run.desired === undefined) throw new Error('what to release is not known yet');
  return run.desired;
}

/** Returns the cluster to act on and the identity to act as. */
export async function targetOf(run: Run): Promise<Target> {
  run.target ??= await run.deps.clusters.targetOf(run.object, run.ctx.signal);
  return run.target;
}

/** Opens the records of the release. */
export async function storageOf(
  run: Run,
  namespace: string = run.storageNamespace,
  signal: AbortSignal = run.ctx.signal,
): Promise<ReleaseStorage> {
  const { client } = await targetOf(run);
  const { clock } = run.ctx;
  return openReleaseStorage({ client, namespace, cache: run.deps.releases, clock, signal });
}
