import type {
  ArtifactAnnouncer,
  Bucket,
  GitRepository,
  HelmChart,
  HelmRepository,
} from '@sluice/shared/api';
import type { ArtifactCache, ArtifactStore } from '@sluice/shared/artifact';
import type { ByteBudget, FairSlots } from '@sluice/shared/base';
import type { CloudIdentities } from '@sluice/shared/cloud';
import type { ReconcileContext } from '@sluice/shared/runtime';
import type { Endpoints } from '../adapters/endpoint.ts';
import type { AuthorizationCache } from '../adapters/registry/client.ts';
import type { ChartLimits } from '../helm/chart-files.ts';
import type { IndexCache } from '../helm-repository/index-cache.ts';
import type { VerificationDeps } from '../verification/deps.ts';

/** The objects that charts come from, as the watches know them; keys are `<namespace>/<name>`. */
export interface ChartSources {
  helmRepository(key: string): HelmRepository | undefined;
  gitRepository(key: string): GitRepository | undefined;
  bucket(key: string): Bucket | undefined;
  helmRepositories(): HelmRepository[];
}

/** What reconciling a HelmChart needs. */
export interface HelmChartDeps {
  store: ArtifactStore;
  endpoints: Endpoints;
  announcer?: ArtifactAnnouncer;
  /** Limits how many artifacts are made at once; waiting for servers is not limited by it. */
  packing: FairSlots;
  /** What artifacts that are made hold in memory. */
  memory: ByteBudget;
  authorizations: AuthorizationCache;
  verification: VerificationDeps;
  /** As whom to log in to clouds. */
  identities: CloudIdentities;
  /** Directory for charts while they are made. */
  tempDir: string;
  indexes: IndexCache;
  /** Artifacts of Git repositories and buckets, unpacked. */
  unpacked: ArtifactCache;
  sources: ChartSources;
  limits: ChartLimits;
  /** Largest index in bytes. */
  maxIndexBytes: number;
  /** By object, from which artifact its chart was made last, so that the same one is not looked at again. */
  madeFrom: Map<string, string>;
}

export type HelmChartContext = ReconcileContext<HelmChart>;
