import { formatHelp } from '@sluice/shared/base';
import { createEventRecorder } from '@sluice/shared/runtime';
import {
  createEventSink,
  runProgram,
  runService,
  type ServiceDoors,
  type ServiceParts,
} from '@sluice/shared/service';
import { type HelmConfig, helmFlags, readConfig } from './config.ts';
import { startHelmController } from './start.ts';

const name = 'helm-controller';
/** Milliseconds that Kubernetes Events get to be sent at the end. */
const flushMs = 2_000;

function build(config: HelmConfig, doors: ServiceDoors): ServiceParts {
  const { logger, metrics } = doors;
  const sink = createEventSink(doors);
  let isStarted = false;
  return {
    readyChecks: {
      watches: () => {
        if (!isStarted && !config.flags['enable-leader-election']) {
          throw new Error('the watches are not complete yet');
        }
      },
    },
    async start({ client, signal }) {
      const events = createEventRecorder({ client, controllerName: name, sink, logger });
      const { ended } = await startHelmController(
        config,
        { client, logger, metrics, events },
        signal,
      );
      isStarted = true;
      await ended;
      await events.flush(flushMs);
    },
    async close() {
      await sink?.close();
    },
  };
}

await runProgram(name, async () => {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(formatHelp(name, helmFlags));
    return;
  }
  const config = readConfig(argv, process.env);
  const { flags, namespace } = config;
  await runService({
    name,
    flags,
    namespace,
    gracefulShutdownMs: flags['graceful-shutdown-timeout'],
    build: (doors) => build(config, doors),
  });
});
