import { writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from './guard.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import type { SshGitServer } from './ssh-server.ts';

/** A SOCKS5 proxy without login, that of OpenSSH's client. */
export interface SshSocksProxy {
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts a proxy on 127.0.0.1 whose connections an SSH server makes. */
export async function startSshSocksProxy(server: SshGitServer): Promise<SshSocksProxy> {
  const folder = await temporaryFolder('ssh-proxy');
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('identity'), server.identity, { mode: 0o600 });
  await writeFile(at('hosts'), server.knownHosts());
  const [port = 0] = await freePorts(1);
  const { hostname, username } = new URL(server.url(''));
  const client = new ServerProcess({
    file: 'ssh',
    args: [
      ...['-F', '/dev/null', '-N', '-D', `127.0.0.1:${port}`],
      ...['-i', at('identity'), '-o', `UserKnownHostsFile=${at('hosts')}`],
      ...['-o', 'ExitOnForwardFailure=yes', '-p', String(server.port)],
      `${username}@${hostname}`,
    ],
    logFile: at('log'),
    env: { PATH: process.env['PATH'] ?? '' },
    isReady: () => listens(port),
  });
  await client.start();
  return {
    address: `socks5://127.0.0.1:${port}`,
    async stop() {
      await client.stop();
      await folder.remove();
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
