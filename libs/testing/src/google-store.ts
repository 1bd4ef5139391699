import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { temporaryFolder } from './guard.ts';
import { closeServer, listenOnLoopback } from './http-auth.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { missingTool, toolPath } from './tool-path.ts';

/** Cloud Storage of Google, by fake-gcs-server, which asks for no login. */
export interface GoogleStore {
  /** Host and port. */
  readonly endpoint: string;
  /** JSON key of a service account; the server that it names gives a token to whoever asks. */
  readonly serviceAccount: string;
  makeBucket(name: string): Promise<void>;
  put(bucket: string, name: string, content: string): Promise<void>;
  remove(bucket: string, name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Why tests against fake-gcs-server are left out; undefined when they are not. */
export function googleStoreIsMissing(): string | undefined {
  return missingTool('fake-gcs-server', 'SLUICE_GCS');
}

/** Starts fake-gcs-server on the loopback address. */
export async function startGoogleStore(): Promise<GoogleStore> {
  const folder = await temporaryFolder('google-store');
  const [port = 0] = await freePorts(1);
  const endpoint = `127.0.0.1:${port}`;
  const origin = `http://${endpoint}`;
  const tokens = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: 'any', token_type: 'Bearer', expires_in: 3600 }));
  });
  const tokenPort = await listenOnLoopback(tokens);
  const server = new ServerProcess({
    file: toolPath('fake-gcs-server'),
    args: [
      '-scheme=http',
      '-host=127.0.0.1',
      `-port=${port}`,
      '-backend=memory',
      `-public-host=${endpoint}`,
      `-external-url=${origin}`,
    ],
    env: { HOME: folder.path },
    logFile: join(folder.path, 'log'),
    isReady: () =>
      fetch(`${origin}/storage/v1/b?project=test`).then(
        ({ ok }) => ok,
        () => false,
      ),
  });
  await server.start();
  const call = callerOf(origin);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    endpoint,
    serviceAccount: JSON.stringify({
      type: 'service_account',
      client_email: 'reader@test.iam.gserviceaccount.com',
      private_key_id: 'test',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      token_uri: `http://127.0.0.1:${tokenPort}/token`,
    }),
    makeBucket: (name) => call('POST', 'storage/v1/b?project=test', JSON.stringify({ name })),
    put: (bucket, name, content) => {
      const query = new URLSearchParams({ uploadType: 'media', name });
      return call('POST', `upload/storage/v1/b/${bucket}/o?${query}`, content, 'text/plain');
    },
    remove: (bucket, name) =>
      call('DELETE', `storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`),
    async stop() {
      await server.kill();
      await closeServer(tokens);
      await folder.remove();
    },
  };
}

function callerOf(origin: string) {
  return async (method: string, path: string, body?: string, type = 'application/json') => {
    const answer = await fetch(`${origin}/${path}`, {
      method,
      headers: { 'content-type': type },
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: status ${answer.status}: ${text}`);
  };
}
