import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './guard.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { toolPath } from './tool-path.ts';

export interface OtlpReceiver {
  /** For traces by OTLP over HTTP. */
  readonly url: string;
  /** The requests that it has accepted, in order, each as the collector encodes it anew in JSON. */
  accepted(): Promise<unknown[]>;
  stop(): Promise<void>;
}

/**
 * Starts the receiver of the OpenTelemetry collector on the loopback address. It notes a request before it answers.
 *
 * @throws Error with the end of its log when it does not get ready
 */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const folder = await temporaryFolder('otlp-receiver');
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}/v1/traces`;
  const logFile = join(folder.path, 'accepted.jsonl');
  const server = new ServerProcess({
    file: toolPath('otlp-receiver'),
    args: [`--http-address=127.0.0.1:${port}`],
    logFile,
    isReady: () => answers(url),
  });
  await server.start();
  return {
    url,
    async accepted() {
      const lines = (await readFile(logFile, 'utf8')).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as unknown);
    },
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}

/** Any answer will do, such as that it takes no GET. */
async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).body?.cancel();
    return true;
  } catch {
    // Refused while it starts: asked again until the time limit.
    return false;
  }
}
