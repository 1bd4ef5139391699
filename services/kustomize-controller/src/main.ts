import { applierService } from '@sluice/shared/applier';
import { runProgram, runService } from '@sluice/shared/service';
import { kustomizeFlags, readConfig } from './config.ts';
import { startKustomizeController } from './start.ts';

const name = 'kustomize-controller';
/** Milliseconds that running reconciles get to end after a signal. */
const gracefulShutdownMs = 15_000;

await runProgram({
  name,
  flags: kustomizeFlags,
  async run(argv) {
    const config = readConfig(argv, process.env);
    const { flags, namespace } = config;
    await runService({
      name,
      flags,
      namespace,
      gracefulShutdownMs,
      build: (doors) =>
        applierService(doors, (applier, signal) =>
          startKustomizeController(config, applier, signal),
        ),
    });
  },
});
