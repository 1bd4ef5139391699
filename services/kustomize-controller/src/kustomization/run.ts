import type { Artifact, KubeObject, Kustomization } from '@sluice/shared/api';
import {
  type Audit,
  type ChangeControl,
  type DependencyWatch,
  specDuration,
} from '@sluice/shared/applier';
import type { ArtifactCache } from '@sluice/shared/artifact';
import {
  formatDuration,
  type LruBytes,
  maxDelayMs,
  type RefusedWork,
  SecretMasker,
} from '@sluice/shared/base';
import type { Kustomize, Sops } from '@sluice/shared/cli';
import type { ApplierIdentity, Clusters, HealDrift, Inventories } from '@sluice/shared/engine';
import type { Informer } from '@sluice/shared/kube';
import type { Priority, ReconcileContext } from '@sluice/shared/runtime';
import type { Sources } from '@sluice/shared/service';
import type { RemoteBases } from '../builder/remote-bases.ts';
import type { DataKeys } from '../decryption/data-keys.ts';
import type { KustomizationMetrics } from '../metrics.ts';
import type { KustomizationState, KustomizationStates } from './state.ts';

/** Settings of the controller, from its flags. Times are in milliseconds. */
export interface KustomizationSettings {
  concurrentApplies: number;
  noCrossNamespaceRefs: boolean;
  /** What a shorter spec.timeout counts as. */
  leastTimeoutMs: number;
  /** As what objects are applied. */
  identity: ApplierIdentity;
  customApplyStageKinds: string[];
  /** Namespace of the controllers. */
  controllersNamespace: string;
  /** Gates. */
  strictSubstitutions: boolean;
  externalArtifacts: boolean;
  failFast: boolean;
  /** Whether the artifact that was last applied is named in the status. */
  pinsArtifacts: boolean;
  /** The Secret with age keys for Kustomizations that name none. */
  ageSecret: { namespace: string; name: string } | undefined;
  /** Where sops has its empty home. */
  tempDir: string;
}

/** Objects that were built and are ready to be applied. */
export interface Build {
  objects: KubeObject[];
  /** `sha256:<hex>` of the objects. */
  digest: string;
  /** Texts that were encrypted or come from Secrets, and have no place in any message. */
  secrets: string[];
  /** Namespaces that spec.targetNamespace has renamed, under their own names. */
  renamed: KubeObject[];
  /** Names of objects that are part of it and not among the objects, as a Snapshot does not hold them. */
  leftOut?: KubeObject[];
}

/** What the last build of a Kustomization looked at. */
export interface SeenBuild {
  /** Digest of everything else that went into it. */
  inputs: string;
  /** Digest of the artifact in which it was last so. */
  artifact: string;
  /** What the builder has seen, in its own form. */
  seen: string;
  /** Key of the build. */
  key: string;
  noManifests: boolean;
}

/** What all reconciles of Kustomizations share. */
export interface KustomizationDeps {
  settings: KustomizationSettings;
  artifacts: ArtifactCache;
  kustomize: Kustomize;
  /** Builds that were over a limit. */
  refused: RefusedWork;
  sops: Sops;
  /** Keys with which files are encrypted. */
  dataKeys: DataKeys;
  builds: LruBytes<Build>;
  /** By the key of the Kustomization. */
  seen: LruBytes<SeenBuild>;
  /** Undefined when remote bases are refused. */
  remoteBases: RemoteBases | undefined;
  states: KustomizationStates;
  sources: Sources;
  kustomizations: Informer<Kustomization>;
  /** What each Kustomization has. */
  inventories: Inventories;
  dependencies: DependencyWatch;
  changes: ChangeControl;
  clusters: Clusters;
  healDrift: HealDrift;
  audit: Audit;
  metrics: KustomizationMetrics;
  /** Brings a key back; set once the controller is there. */
  revisit(key: string, priority: Priority): void;
}

/** The artifact to apply. */
export interface ResolvedSource {
  artifact: Artifact;
  revision: string;
  originRevision: string | undefined;
}

/** One reconcile of one Kustomization. */
export interface Run {
  ctx: ReconcileContext<Kustomization>;
  deps: KustomizationDeps;
  object: Kustomization;
  state: KustomizationState;
  masker: SecretMasker;
  timeoutMs: number;
  /** Ends building and applying when time is up. */
  signal: AbortSignal;
  startedAt: number;
  source?: ResolvedSource;
}

/** What is over sooner, in milliseconds, does not show in the status on the way, which saves requests. */
export const quietMs = 1000;

/** Time within which a Kustomization is built, applied and becomes healthy, before its interval is over. */
const intervalMarginMs = 30_000;

/**
 * Returns the limit for building, applying and becoming healthy in milliseconds; as Flux, 30 s less than the interval by
 * default, and `--least-timeout` at least.
 */
export function timeoutOf(
  { spec }: Kustomization,
  { leastTimeoutMs }: KustomizationSettings,
): number {
  const ms =
    spec.timeout === undefined
      ? specDuration(spec.interval, 'spec.interval') - intervalMarginMs
      : specDuration(spec.timeout, 'spec.timeout');
  return Math.min(Math.max(ms, leastTimeoutMs), maxDelayMs);
}

/** Returns the time until a retry after failed health checks in milliseconds. */
export function retryIntervalOf(object: Kustomization): number {
  const { retryInterval, interval } = object.spec;
  return specDuration(
    retryInterval ?? interval,
    retryInterval === undefined ? 'spec.interval' : 'spec.retryInterval',
  );
}

/** Begins a reconcile. */
export function startRun(
  ctx: ReconcileContext<Kustomization>,
  deps: KustomizationDeps,
  timeoutMs: number = timeoutOf(ctx.object, deps.settings),
): Run {
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
    timeoutMs,
    signal: AbortSignal.any([ctx.signal, AbortSignal.timeout(timeoutMs)]),
    startedAt: ctx.clock.now(),
  };
}

/** Formats the timeout for messages. */
export function shownTimeout(run: Run): string {
  return formatDuration(run.timeoutMs);
}

/** Returns the resolved source of a run that has come that far. */
export function sourceOf(run: Run): ResolvedSource {
  if (run.source === undefined) throw new Error('the source is not resolved yet');
  return run.source;
}
