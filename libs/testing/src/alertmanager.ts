import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryFolder } from './guard.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { toolPath } from './tool-path.ts';

/** An alert as Alertmanager's API v2 returns it. */
export interface ReceivedAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  status: { state: string };
}

export interface Alertmanager {
  readonly url: string;
  /** The alerts that are not resolved. */
  alerts(): Promise<ReceivedAlert[]>;
  /** Resolves with an alert that fits; Alertmanager has no watch, so it is asked every 100 ms. */
  waitForAlert(
    predicate: (alert: ReceivedAlert) => boolean,
    timeoutMs?: number,
  ): Promise<ReceivedAlert>;
  stop(): Promise<void>;
}

/**
 * Starts a Prometheus Alertmanager on the loopback address.
 *
 * @throws Error with the end of its log when it does not get ready
 */
export async function startAlertmanager(): Promise<Alertmanager> {
  const folder = await temporaryFolder('alertmanager');
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const configFile = join(folder.path, 'config.yaml');
  await writeFile(configFile, 'route: { receiver: none }\nreceivers: [{ name: none }]\n');
  const server = new ServerProcess({
    file: toolPath('alertmanager'),
    args: [
      `--config.file=${configFile}`,
      `--storage.path=${join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    logFile: join(folder.path, 'alertmanager.log'),
    isReady: async () => (await ask(`${url}/-/ready`)) !== undefined,
  });
  await server.start();
  const alerts = async () =>
    ((await (await ask(`${url}/api/v2/alerts`))?.json()) ?? []) as ReceivedAlert[];
  return {
    url,
    alerts,
    async waitForAlert(predicate, timeoutMs = 20_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const all = await alerts();
        const found = all.find(predicate);
        if (found) return found;
        if (Date.now() > deadline) {
          throw new Error(
            `no such alert within ${timeoutMs} ms; Alertmanager has:\n${JSON.stringify(all, null, 2)}`,
          );
        }
        await delay(100);
      }
    },
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}

async function ask(url: string): Promise<Response | undefined> {
  try {
    const response = await fetch(url);
    return response.ok ? response : undefined;
  } catch {
    // Refused while it starts: asked again until the time limit.
    return undefined;
  }
}
