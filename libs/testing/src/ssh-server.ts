import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createGitRepository, type GitRepository } from './git-repository.ts';
import { temporaryFolder } from './guard.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);
const places = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd', '/usr/bin/sshd'];
const keyTypes = ['ed25519', 'ecdsa', 'rsa'] as const;

export type SshKeyType = (typeof keyTypes)[number];

/** OpenSSH's server, which serves Git repositories as git does. */
export interface SshGitServer {
  readonly port: number;
  /** Private key that it accepts, in the form of OpenSSH. */
  readonly identity: string;
  /** Its keys, as ssh-keyscan prints them; of one type when that is given. */
  knownHosts(type?: SshKeyType): string;
  url(repo: string): string;
  createRepo(name: string, files?: Record<string, string>): Promise<GitRepository>;
  /** Makes it accept another public key as well. */
  authorize(publicKey: string): Promise<void>;
  /** What it has logged. */
  log(): string;
  stop(): Promise<void>;
}

/**
 * Why there is no SSH server here.
 *
 * @throws Error with the reason when SLUICE_SSHD is `required`, as in CI, so that nothing is left out in silence
 */
export function whyNoSshServer(): string | undefined {
  if (places.some((path) => existsSync(path))) return undefined;
  const reason = 'needs sshd: install openssh-server';
  if (process.env['SLUICE_SSHD'] === 'required') throw new Error(`a test of SSH ${reason}`);
  return reason;
}

/** Makes a pair of keys; returns the path of the private one. */
export async function makeSshKey(path: string, ...args: string[]): Promise<string> {
  await run('ssh-keygen', ['-q', '-f', path, ...(args.includes('-N') ? [] : ['-N', '']), ...args]);
  return path;
}

/**
 * Starts an SSH server on the loopback address, for the user of this process.
 *
 * @param settings more lines of its configuration
 * @param authority path of a private key that signs one of its keys, so that it has a certificate as well
 */
export async function startSshGitServer(
  settings: string[] = [],
  authority?: string,
): Promise<SshGitServer> {
  const folder = await temporaryFolder('sshd');
  const at = (name: string) => join(folder.path, name);
  for (const type of keyTypes) await makeSshKey(at(`host-${type}`), '-t', type);
  const own = await makeSshKey(at('identity'), '-t', 'ed25519');
  const authorize = (key: string) => appendFile(at('authorized'), key, { mode: 0o600 });
  await authorize(await readFile(`${own}.pub`, 'utf8'));
  const [port = 0] = await freePorts(1);
  const certificate = authority === undefined ? [] : await certify(at('host-ed25519'), authority);
  const config = [...configOf(at, port), ...certificate, ...settings];
  await writeFile(at('config'), `${config.join('\n')}\n`);
  // The folder that it changes its root to before a user has logged in; packages make it at the system's start.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const server = new ServerProcess({
    file: places.find((path) => existsSync(path)) ?? 'sshd',
    args: ['-D', '-e', '-f', at('config')],
    logFile: at('log'),
    env: { PATH: process.env['PATH'] ?? '' },
    isReady: () => answers(port),
  });
  await server.start();
  const publicKeys = await Promise.all(
    keyTypes.map(async (type) => [type, await readFile(at(`host-${type}.pub`), 'utf8')] as const),
  );
  return {
    port,
    identity: await readFile(own, 'utf8'),
    knownHosts: (wanted) =>
      publicKeys
        .filter(([type]) => wanted === undefined || type === wanted)
        .map(([, key]) => `[127.0.0.1]:${port} ${key}`)
        .join(''),
    url: (repo) => `ssh://${userInfo().username}@127.0.0.1:${port}${folder.path}/${repo}.git`,
    async createRepo(name, files) {
      const repository = await createGitRepository(at(`${name}.git`));
      if (files) await repository.commit({ files, message: 'Add files' });
      return repository;
    },
    authorize,
    log: () => server.log(200),
    async stop() {
      await server.stop();
      await folder.remove();
    },
  };
}

async function certify(key: string, authority: string): Promise<string[]> {
  const names = ['-n', '127.0.0.1,localhost'];
  await run('ssh-keygen', ['-q', '-s', authority, '-h', '-I', 'server', ...names, `${key}.pub`]);
  return [`HostCertificate ${key}-cert.pub`];
}

function configOf(at: (name: string) => string, port: number): string[] {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...keyTypes.map((type) => `HostKey ${at(`host-${type}`)}`),
    `AuthorizedKeysFile ${at('authorized')}`,
    `PidFile ${at('pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    'AcceptEnv GIT_PROTOCOL',
    'LogLevel VERBOSE',
  ];
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
