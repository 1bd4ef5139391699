// What all services have in common around their controllers: doors, events, shutdown.

export { type ApplierDoors, applierParts } from './applier.ts';
export { createDriftMetrics, type DriftMetrics } from './drift-metrics.ts';
export { createEventSink, createOutboxMetrics } from './events.ts';
export {
  type Program,
  runProgram,
  runService,
  type ServiceDoors,
  type ServiceFlags,
  type ServiceOptions,
  type ServiceParts,
} from './service.ts';
