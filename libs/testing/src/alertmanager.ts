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
  /** Resolves once alerts have come, some have ended, and none that fits is left. */
  waitForEnd(predicate: (alert: ReceivedAlert) => boolean, timeoutMs?: number): Promise<void>;
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
  /** How many alerts of a status have come. */
  const received = async (status: string) => {
    const metrics = (await (await ask(`${url}/metrics`))?.text()) ?? '';
    const line = new RegExp(
      `^alertmanager_alerts_received_total\\{.*status="${status}".*\\} (\\d+)`,
      'm',
    );
    return Number(line.exec(metrics)?.[1] ?? 0);
  };
  return {
    url,
    alerts,
    async waitForAlert(predicate, timeoutMs) {
      return poll(async () => {
        const all = await alerts();
        return { found: all.find(predicate), seen: all };
      }, timeoutMs);
    },
    async waitForEnd(predicate, timeoutMs) {
      await poll(async () => {
        const [all, ...counts] = await Promise.all([
          alerts(),
          received('firing'),
          received('resolved'),
        ]);
        const isOver = counts.every((count) => count > 0) && !all.some(predicate);
        return { found: isOver || undefined, seen: { all, counts } };
      }, timeoutMs);
    },
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}

/** Asks every 100 ms until something is found. */
async function poll<T>(
  look: () => Promise<{ found: T | undefined; seen: unknown }>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { found, seen } = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) {
      throw new Error(
        `Alertmanager is not as wanted within ${timeoutMs} ms; it has:\n${JSON.stringify(seen, null, 2)}`,
      );
    }
    await delay(100);
  }
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
