import type { ArtifactAnnouncer, HelmRepository } from '@sluice/shared/api';
import type { ArtifactStore } from '@sluice/shared/artifact';
import type { ByteBudget, FairSlots } from '@sluice/shared/base';
import type { ReconcileContext } from '@sluice/shared/runtime';
import type { Endpoints } from '../adapters/endpoint.ts';
import type { IndexCache } from './index-cache.ts';
import type { KnownIndexes } from './known-indexes.ts';

/** What reconciling a HelmRepository needs. */
export interface HelmRepositoryDeps {
  store: ArtifactStore;
  endpoints: Endpoints;
  announcer?: ArtifactAnnouncer;
  /** Limits how many artifacts are made at once; waiting for servers is not limited by it. */
  packing: FairSlots;
  /** What artifacts that are made hold in memory. */
  memory: ByteBudget;
  /** Directory for indexes while they are read. */
  tempDir: string;
  indexes: IndexCache;
  known: KnownIndexes;
  /** Largest index in bytes. */
  maxIndexBytes: number;
}

export type HelmRepositoryContext = ReconcileContext<HelmRepository>;
