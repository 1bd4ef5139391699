import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from './guard.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { toolPath } from './tool-path.ts';

export interface NatsOptions {
  /** More of the server's configuration, in its own format, for instance accounts or TLS. */
  config?: string;
  /** Has every message on disk before it is acknowledged, as the charts do. */
  syncAlways?: boolean;
  /** Where messages and logs are kept; a temporary folder, removed at the end, when absent. */
  dir?: string;
  /** A free one when absent. */
  port?: number;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** SIGKILL: what was acknowledged but not yet on disk may be lost. Keeps the store. */
  kill(): Promise<void>;
  /** Starts again on the same port and store; kills it first when it runs. */
  restart(): Promise<void>;
  /** Sends a signal, for instance SIGSTOP and SIGCONT for a server that hangs. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it for good and removes the store. */
  stop(): Promise<void>;
}

/**
 * Starts a NATS server with JetStream on the loopback address.
 *
 * @throws Error with the end of its log when it does not get ready
 */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const folder = options.dir
    ? { path: options.dir, remove: async () => {} }
    : await temporaryFolder('nats');
  const port = options.port ?? ((await freePorts(1))[0] as number);
  await mkdir(folder.path, { recursive: true });
  const configFile = join(folder.path, 'nats.conf');
  const lines = [
    `listen: 127.0.0.1:${port}`,
    `jetstream: { store_dir: ${JSON.stringify(join(folder.path, 'store'))}${options.syncAlways ? ', sync_interval: always' : ''} }`,
    options.config ?? '',
  ];
  await writeFile(configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
  const server = new ServerProcess({
    file: toolPath('nats-server'),
    args: ['--config', configFile],
    logFile: join(folder.path, 'nats.log'),
    isReady: () => greets(port),
  });
  await server.start();
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    kill: () => server.kill(),
    async restart() {
      await server.kill();
      await server.start();
    },
    signal: (signal) => server.signal(signal),
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}

/** A server that is ready sends its INFO line to whoever connects; JetStream is up by then. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2000 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data) => end(data.toString('latin1').startsWith('INFO ')));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('close', () => end(false));
  });
}
