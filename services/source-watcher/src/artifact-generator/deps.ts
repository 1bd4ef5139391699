import type { ArtifactAnnouncer, ArtifactGenerator, ExternalArtifact } from '@sluice/shared/api';
import type { ArtifactCache, ArtifactStore } from '@sluice/shared/artifact';
import type { RefusedWork } from '@sluice/shared/base';
import type { Informer } from '@sluice/shared/kube';
import type { ReconcileContext } from '@sluice/shared/runtime';
import type { Sources } from '@sluice/shared/service';
import type { GeneratorGraph } from './graph.ts';
import type { OutputRequest } from './requests.ts';

export type GeneratorContext = ReconcileContext<ArtifactGenerator>;

/** The artifacts that a pattern stands for, and of what they were found. */
export interface FoundRequests {
  input: string;
  requests: OutputRequest[];
}

/** What the steps need. */
export interface GeneratorDeps {
  generators: Informer<ArtifactGenerator>;
  /** Those that an ArtifactGenerator made. */
  outputs: Informer<ExternalArtifact>;
  sources: Sources;
  graph: GeneratorGraph;
  artifacts: ArtifactCache;
  store: ArtifactStore;
  announcer: ArtifactAnnouncer | undefined;
  /** Whose composition was over a limit. */
  refused: RefusedWork;
  /** What spec.pathPattern of each object was last found to stand for. */
  found: Map<string, FoundRequests>;
  tempDir: string;
  maxArtifactBytes: number;
  noCrossNamespaceRefs: boolean;
}

/** Name of the index of ArtifactGenerators by their UID. */
export const byUid = 'uid';
