import { afterAll, beforeAll, describe, test } from 'vitest';
import { consumeSteps, pushSteps } from './flux-cli/artifacts.ts';
import { contractSteps } from './flux-cli/contract.ts';
import { createSteps, deleteSteps } from './flux-cli/create.ts';
import { inspectSteps } from './flux-cli/inspect.ts';
import { installSteps, otherClientSteps, uninstallSteps } from './flux-cli/install.ts';
import { prepare } from './flux-cli/objects.ts';
import { readSteps } from './flux-cli/read.ts';
import { reconcileSteps, suspendSteps } from './flux-cli/reconcile.ts';
import { type CliWorld, startCliWorld } from './flux-cli/world.ts';

// Each step builds on those before it: docs/clients.md names them row by row.
const steps = [
  ...pushSteps,
  ...createSteps,
  ...consumeSteps,
  ...readSteps,
  ...inspectSteps,
  ...contractSteps,
  ...reconcileSteps,
  ...installSteps,
  ...otherClientSteps,
  ...suspendSteps,
  ...deleteSteps,
  ...uninstallSteps,
];

describe('the flux program sees Sluice as it sees Flux', () => {
  let cli: CliWorld;

  beforeAll(async () => {
    cli = await startCliWorld();
    await prepare(cli);
  });
  afterAll(() => cli?.stop());

  for (const step of steps) test(step.name, () => step.run(cli), 120_000);
});
