import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { temporaryFolder } from './guard.ts';
import { freePorts } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { toolPath } from './tool-path.ts';

/** A server that speaks S3, and checks what its documentation says that it checks. */
export interface ObjectStore {
  /** Host and port. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  makeBucket(name: string): Promise<void>;
  put(bucket: string, key: string, content: string | Uint8Array): Promise<void>;
  remove(bucket: string, key: string): Promise<void>;
  stop(): Promise<void>;
}

const accessKey = 'store-user';
const secretKey = 'canary-store-secret';

/** Starts versitygw over a directory, on the loopback address. */
export async function startObjectStore(region = 'us-east-1'): Promise<ObjectStore> {
  const folder = await temporaryFolder('object-store');
  const [data, sidecar] = [join(folder.path, 'data'), join(folder.path, 'sidecar')];
  await Promise.all([mkdir(data), mkdir(sidecar)]);
  const [port = 0] = await freePorts(1);
  const endpoint = `127.0.0.1:${port}`;
  const client = new AwsClient({
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    service: 's3',
    region,
    retries: 0,
  });
  const call = async (method: string, path: string, body?: string | Uint8Array) => {
    const url = `http://${endpoint}/${path}`;
    const answer = await client.fetch(url, { method, ...(body !== undefined && { body }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url}: status ${answer.status}: ${text}`);
  };
  const server = new ServerProcess({
    file: toolPath('versitygw'),
    args: ['--port', endpoint, '--region', region, 'posix', '--sidecar', sidecar, data],
    env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    logFile: join(folder.path, 'log'),
    isReady: () =>
      call('GET', '').then(
        () => true,
        () => false,
      ),
  });
  await server.start();
  const pathOf = (bucket: string, key: string) =>
    `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
  return {
    endpoint,
    accessKey,
    secretKey,
    region,
    makeBucket: (name) => call('PUT', name),
    put: (bucket, key, content) => call('PUT', pathOf(bucket, key), content),
    remove: (bucket, key) => call('DELETE', pathOf(bucket, key)),
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}
