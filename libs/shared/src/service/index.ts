// What services have in common around their controllers: doors, events, shutdown, sources.
export { createArtifactArchive } from './artifact-archive.ts';
export { createAuditOutbox, createEventSink, createOutboxMetrics } from './events.ts';
export { refuseReference } from './refuse-reference.ts';
export { runProgram, runService, type ServiceDoors, type ServiceParts } from './service.ts';
export { failureOfSource } from './source-readiness.ts';
export {
  createSources,
  type SourceKind,
  type SourceObject,
  type Sources,
  sourceId,
} from './sources.ts';
