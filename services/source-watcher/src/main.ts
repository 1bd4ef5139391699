import { runProgram, runService } from '@sluice/shared/service';
import { flags, readConfig } from './config.ts';
import { controllerName } from './names.ts';
import { createSourceWatcher } from './start.ts';

await runProgram({
  name: controllerName,
  flags,
  async run(argv) {
    const config = readConfig(argv, process.env);
    await runService({
      name: controllerName,
      flags: config,
      namespace: config.leaseNamespace,
      gracefulShutdownMs: config['graceful-shutdown-timeout'],
      build: (doors) => createSourceWatcher(config, doors),
    });
  },
});
