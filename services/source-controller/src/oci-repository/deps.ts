import type { ArtifactAnnouncer, OCIRepository } from '@sluice/shared/api';
import type { ArtifactStore } from '@sluice/shared/artifact';
import type { ByteBudget, FairSlots, RefusedWork } from '@sluice/shared/base';
import type { CloudIdentities } from '@sluice/shared/cloud';
import type { ReconcileContext } from '@sluice/shared/runtime';
import type { Endpoints } from '../adapters/endpoint.ts';
import type { AuthorizationCache } from '../adapters/registry/client.ts';
import type { VerificationDeps } from '../verification/deps.ts';

/** What reconciling an OCIRepository needs. */
export interface OciRepositoryDeps {
  store: ArtifactStore;
  endpoints: Endpoints;
  announcer?: ArtifactAnnouncer;
  /** Limits how many artifacts are made at once; waiting for servers is not limited by it. */
  packing: FairSlots;
  /** What artifacts that are made hold in memory. */
  memory: ByteBudget;
  /** Content that is not made again. */
  refused: RefusedWork;
  authorizations: AuthorizationCache;
  verification: VerificationDeps;
  /** As whom to log in to clouds. */
  identities: CloudIdentities;
  /** Feature gate `ObjectLevelWorkloadIdentity`. */
  isObjectLevel: boolean;
  /** Most bytes that the files of an artifact may hold together. */
  maxArtifactBytes: number;
  /** Directory for layers while they are unpacked. */
  tempDir: string;
}

export type OciContext = ReconcileContext<OCIRepository>;
