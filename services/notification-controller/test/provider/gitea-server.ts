import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts, ServerProcess, temporaryFolder, toolPath } from '@sluice/testing';
import { moduleFiles } from '../../../../tools/provision/module-files.ts';

const run = promisify(execFile);
const [name, password] = ['bot', 'bot-password'];

/** A Gitea with one user, who has one repository. */
export interface GiteaServer {
  readonly repository: string;
  /** With the rights that Providers need. */
  readonly token: string;
  /** Of the branch `main`. */
  readonly commit: string;
  /** Number of a pull request. */
  readonly pullRequest: string;
  /** Reads a path of the API below the repository. */
  get<T>(path: string): Promise<T>;
  stop(): Promise<void>;
}

/** Why tests against Gitea are left out; undefined when they are not. */
export function giteaIsMissing(): string | undefined {
  const tools = JSON.parse(process.env['SLUICE_TOOLS'] ?? '{}') as Record<string, string>;
  return tools['gitea'] ? undefined : 'Gitea is not built here; SLUICE_GITEA=required builds it';
}

/**
 * Starts a Gitea on the loopback address, without its pages, which its module does not have.
 *
 * @throws Error with the end of its log when it does not get ready
 */
export async function startGitea(): Promise<GiteaServer> {
  const folder = await temporaryFolder('gitea');
  const [port] = await freePorts(1);
  const origin = `http://127.0.0.1:${port}`;
  const config = join(folder.path, 'app.ini');
  const files = await moduleFiles('gitea', 'gitea.dev');
  await writeFile(config, settings({ folder: folder.path, port: Number(port), files }));
  // Git writes into its home.
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder.path,
    USER: process.env['USER'] ?? 'root',
  };
  const server = new ServerProcess({
    file: toolPath('gitea'),
    args: ['web', '--config', config],
    logFile: join(folder.path, 'gitea.log'),
    env,
    isReady: () => isHealthy(origin),
  });
  await server.start();
  const user = [
    '--admin',
    '--username',
    name,
    '--password',
    password,
    '--email',
    'bot@example.com',
  ];
  const args = ['admin', 'user', 'create', ...user, '--must-change-password=false'];
  await run(toolPath('gitea'), [...args, '--config', config], { env });
  const { token, commit, pullRequest } = await fill(origin);
  return {
    repository: `${origin}/${name}/shop`,
    token,
    commit,
    pullRequest,
    get: (path) => call(origin, 'GET', `repos/${name}/shop/${path}`),
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}

function settings({ folder, port, files }: { folder: string; port: number; files: string }) {
  return `WORK_PATH = ${folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
OFFLINE_MODE = true
DISABLE_SSH = true
STATIC_ROOT_PATH = ${files}
[database]
DB_TYPE = sqlite3
PATH = ${join(folder, 'gitea.db')}
[security]
INSTALL_LOCK = true
SECRET_KEY = test
[log]
MODE = console
LEVEL = warn
[cron]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[queue]
TYPE = channel
`;
}

async function isHealthy(origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/api/healthz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Refused while it starts: asked again until the time limit.
    return false;
  }
}

async function call<T>(origin: string, method: string, path: string, body?: object): Promise<T> {
  const login = Buffer.from(`${name}:${password}`).toString('base64');
  const response = await fetch(`${origin}/api/v1/${path}`, {
    method,
    headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

async function fill(origin: string) {
  const post = <T>(path: string, body: object) => call<T>(origin, 'POST', path, body);
  const scopes = ['write:repository', 'write:issue', 'read:user'];
  const { sha1 } = await post<{ sha1: string }>(`users/${name}/tokens`, { name: 'test', scopes });
  await post('user/repos', { name: 'shop', auto_init: true, default_branch: 'main' });
  const repository = `repos/${name}/shop`;
  const file = { content: 'YQ==', message: 'Change', new_branch: 'change' };
  await post(`${repository}/contents/a.txt`, file);
  const request = { base: 'main', head: 'change', title: 'Change' };
  const { number } = await post<{ number: number }>(`${repository}/pulls`, request);
  const { commit } = await call<{ commit: { id: string } }>(
    origin,
    'GET',
    `${repository}/branches/main`,
  );
  return { token: sha1, commit: commit.id, pullRequest: String(number) };
}
