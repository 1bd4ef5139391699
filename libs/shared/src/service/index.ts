// What all services have in common around their controllers: doors, events, shutdown.
export { createEventSink, createOutboxMetrics } from './events.ts';
export { runProgram, runService, type ServiceDoors, type ServiceParts } from './service.ts';
