import { runProgram, runService } from '@sluice/shared/service';
import { flags, readConfig } from './config.ts';
import { createNotificationController } from './start.ts';

const name = 'notification-controller';

await runProgram({
  name,
  flags,
  async run(argv) {
    const config = readConfig(argv, process.env);
    await runService({
      name,
      flags: config,
      namespace: config.runtimeNamespace,
      gracefulShutdownMs: config['graceful-shutdown-timeout'],
      build: (doors) => createNotificationController(config, doors),
    });
  },
});
