import { applierService } from '@sluice/shared/applier';
import { runProgram, runService } from '@sluice/shared/service';
import { helmFlags, readConfig } from './config.ts';
import { startHelmController } from './start.ts';

const name = 'helm-controller';

await runProgram({
  name,
  flags: helmFlags,
  async run(argv) {
    const config = readConfig(argv, process.env);
    const { flags, namespace } = config;
    await runService({
      name,
      flags,
      namespace,
      gracefulShutdownMs: flags['graceful-shutdown-timeout'],
      build: (doors) =>
        applierService(doors, (applier, signal) => startHelmController(config, applier, signal)),
    });
  },
});
