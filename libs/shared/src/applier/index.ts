// What the controllers that apply objects have in common.

export { type ApplierDoors, applierParts } from './applier.ts';
export { type ApplierEnvironment, applierEnvironment, applierFlags } from './applier-flags.ts';
export { type ConfigWatch, createConfigWatch } from './config-watch.ts';
export { Dependencies } from './dependencies.ts';
export { DependencyIndex } from './depends-on.ts';
export { createDriftMetrics, type DriftMetrics } from './drift-metrics.ts';
export { isMovedFrom, type Owners } from './moved.ts';
export {
  createSources,
  type SourceKind,
  type SourceObject,
  type Sources,
  sourceId,
} from './sources.ts';
