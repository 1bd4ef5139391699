import type { ArtifactAnnouncer, GitRepository } from '@sluice/shared/api';
import type { ArtifactStore } from '@sluice/shared/artifact';
import type { ByteBudget, FairSlots, RefusedWork } from '@sluice/shared/base';
import type { CloudIdentities } from '@sluice/shared/cloud';
import type { ReconcileContext } from '@sluice/shared/runtime';
import type { Endpoints } from '../adapters/endpoint.ts';
import type { Discovery } from '../adapters/git/git-http.ts';
import type { SshSettings } from '../adapters/ssh/connect.ts';
import type { FindRepository } from './includes.ts';

/** What reconciling a GitRepository needs. */
export interface GitRepositoryDeps {
  store: ArtifactStore;
  endpoints: Endpoints;
  ssh: SshSettings;
  /** As whom to log in to clouds. */
  identities: CloudIdentities;
  /** Feature gate `ObjectLevelWorkloadIdentity`. */
  isObjectLevel: boolean;
  announcer?: ArtifactAnnouncer;
  /** Limits how many artifacts are made at once; waiting for servers is not limited by it. */
  packing: FairSlots;
  /** What artifacts that are made hold in memory. */
  memory: ByteBudget;
  /** Content that is not made again. */
  refused: RefusedWork;
  /** What was learned about servers, by object and address. */
  discoveries: Map<string, Discovery>;
  find: FindRepository;
  /** Most bytes that the files of an artifact may hold together. */
  maxArtifactBytes: number;
  /** Directory for packs while they are read. */
  tempDir: string;
}

export type GitContext = ReconcileContext<GitRepository>;
