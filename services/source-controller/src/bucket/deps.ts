import type { ArtifactAnnouncer, Bucket } from '@sluice/shared/api';
import type { ArtifactStore } from '@sluice/shared/artifact';
import type { ByteBudget, FairSlots, RefusedWork } from '@sluice/shared/base';
import type { CloudEnvironment, CloudIdentities } from '@sluice/shared/cloud';
import type { ReconcileContext } from '@sluice/shared/runtime';
import type { Dispatcher } from 'undici';
import type { Endpoints } from '../adapters/endpoint.ts';

/** What reconciling a Bucket needs. */
export interface BucketDeps {
  store: ArtifactStore;
  endpoints: Endpoints;
  announcer?: ArtifactAnnouncer;
  /** Limits how many artifacts are made at once; waiting for servers is not limited by it. */
  packing: FairSlots;
  /** What artifacts that are made hold in memory. */
  memory: ByteBudget;
  /** Content that is not made again. */
  refused: RefusedWork;
  /** As whom to log in to clouds. */
  identities: CloudIdentities;
  /** Variables of the environment that concern clouds. */
  cloudEnvironment: CloudEnvironment;
  /** To the metadata servers of clouds. */
  local: Dispatcher;
  /** Feature gate `ObjectLevelWorkloadIdentity`. */
  isObjectLevel: boolean;
  /** Most bytes that the files of an artifact may hold together. */
  maxArtifactBytes: number;
  /** Directory for objects while they are packed. */
  tempDir: string;
}

export type BucketContext = ReconcileContext<Bucket>;
