import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';

/** Raw JSON access to an API server with a kubeconfig written by {@link renderKubeconfig}. */
export interface ApiAccess {
  /** Sends a request; resolves with the status code and the parsed body, whatever the code is. */
  send(method: string, path: string, body?: unknown): Promise<ApiReply>;
  close(): Promise<void>;
}

export interface ApiReply {
  code: number;
  body: unknown;
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

/**
 * Opens raw access to an API server: the test bed has to work when the client under test does not.
 *
 * @param kubeconfigPath a kubeconfig of this test bed
 */
export async function openApi(kubeconfigPath: string): Promise<ApiAccess> {
  const config = JSON.parse(await readFile(kubeconfigPath, 'utf8')) as Kubeconfig;
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  if (!cluster || !user) throw new Error(`${kubeconfigPath}: no cluster or no user in it`);
  const agent = new Agent({
    connect: {
      ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
      cert: Buffer.from(user['client-certificate-data'], 'base64'),
      key: Buffer.from(user['client-key-data'], 'base64'),
    },
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
  });
  return {
    async send(method, path, body) {
      const reply = await request(`${cluster.server}${path}`, {
        method: method as 'GET',
        dispatcher: agent,
        headers: {
          'content-type': method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json',
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await reply.body.text();
      const isJson = String(reply.headers['content-type']).includes('json');
      return { code: reply.statusCode, body: isJson ? JSON.parse(text) : text };
    },
    close: () => agent.destroy(),
  };
}

/** Throws with the server's message unless the request succeeded. */
export function expectSuccess(reply: ApiReply, what: string): void {
  if (reply.code < 300) return;
  const message = (reply.body as { message?: string })?.message ?? String(reply.body);
  throw new Error(`${what}: the API server answered ${reply.code}: ${message}`);
}
