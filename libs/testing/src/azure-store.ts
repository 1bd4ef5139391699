import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { temporaryFolder } from './guard.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { missingTool, toolPath } from './tool-path.ts';

/** A storage account of Azure, by Azurite. */
export interface AzureStore {
  /** Address of the account. */
  readonly endpoint: string;
  /** Base64. */
  readonly accountKey: string;
  /** Makes a container; anybody may read one that is public. */
  makeContainer(name: string, o?: { public?: boolean }): Promise<void>;
  put(container: string, name: string, content: string): Promise<void>;
  remove(container: string, name: string): Promise<void>;
  /** A shared access signature that lets a container be listed and read. */
  signatureFor(container: string, expires?: Date): string;
  stop(): Promise<void>;
}

const account = 'sluicetest';
const accountKey = Buffer.from('canary-azure-account-key').toString('base64');
const version = '2021-12-02';

/** Why tests against Azurite are left out; undefined when they are not. */
export function azuriteIsMissing(): string | undefined {
  return missingTool('azurite', 'SLUICE_AZURITE');
}

/** Starts Azurite on the loopback address, with an account. */
export async function startAzureStore(): Promise<AzureStore> {
  const folder = await temporaryFolder('azurite');
  const [port = 0] = await freePorts(1);
  const origin = `http://127.0.0.1:${port}`;
  const server = new ServerProcess({
    file: process.execPath,
    args: [
      toolPath('azurite'),
      '--blobHost=127.0.0.1',
      `--blobPort=${port}`,
      `--location=${folder.path}`,
      '--silent',
      '--disableTelemetry',
    ],
    env: { HOME: folder.path, AZURITE_ACCOUNTS: `${account}:${accountKey}` },
    logFile: join(folder.path, 'log'),
    isReady: () =>
      fetch(origin).then(
        () => true,
        () => false,
      ),
  });
  await server.start();
  const call = async (method: string, path: string, more: CallOptions = {}) => {
    const url = new URL(`${origin}/${account}/${path}`);
    const answer = await fetch(url, signed(method, url, more));
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: status ${answer.status}: ${text}`);
  };
  const blob = (container: string, name: string) =>
    `${container}/${name.split('/').map(encodeURIComponent).join('/')}`;
  return {
    endpoint: `${origin}/${account}`,
    accountKey,
    makeContainer: (name, o = {}) =>
      call('PUT', `${name}?restype=container`, {
        headers: o.public ? { 'x-ms-blob-public-access': 'container' } : {},
      }),
    put: (container, name, content) =>
      call('PUT', blob(container, name), {
        headers: { 'x-ms-blob-type': 'BlockBlob' },
        body: content,
      }),
    remove: (container, name) => call('DELETE', blob(container, name)),
    signatureFor,
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}

interface CallOptions {
  headers?: Record<string, string>;
  body?: string;
}

/** @see https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key */
function signed(method: string, url: URL, { headers = {}, body = '' }: CallOptions) {
  const all: Record<string, string> = {
    ...headers,
    'x-ms-date': new Date().toUTCString(),
    'x-ms-version': version,
  };
  const type = 'text/plain';
  const length = Buffer.byteLength(body);
  const fields = [method, '', '', length === 0 ? '' : String(length), '', type];
  const named = Object.entries(all)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value}`);
  const query = [...url.searchParams].map(([name, value]) => `${name}:${value}`).sort();
  const resource = [`/${account}${url.pathname}`, ...query];
  const text = [...fields, ...Array<string>(6).fill(''), ...named, ...resource].join('\n');
  const authorization = `SharedKey ${account}:${hmac(text)}`;
  return {
    method,
    headers: { ...all, 'content-type': type, authorization },
    ...(method === 'PUT' && { body }),
  };
}

/** @see https://learn.microsoft.com/rest/api/storageservices/create-service-sas */
function signatureFor(container: string, expires = new Date(Date.now() + 3_600_000)): string {
  const until = `${expires.toISOString().slice(0, 19)}Z`;
  const fields = ['rl', '', until, `/blob/${account}/${container}`, '', '', '', version, 'c'];
  const sig = hmac([...fields, ...Array<string>(7).fill('')].join('\n'));
  return new URLSearchParams({ sv: version, sr: 'c', sp: 'rl', se: until, sig }).toString();
}

function hmac(text: string): string {
  return createHmac('sha256', Buffer.from(accountKey, 'base64')).update(text).digest('base64');
}
