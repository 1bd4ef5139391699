import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createCertificateAuthority } from '@sluice/testing';
import type { Moment } from './killer.ts';

/** A request that changes something, as `PATCH configmaps/<name>`. */
export type ProxiedCall = `${'POST' | 'PUT' | 'PATCH' | 'DELETE'} ${string}`;

/** Stands in front of an API server, as its administrator, and sees to it that a client dies at a request. */
export interface KillProxy {
  /** For the client. */
  kubeconfig: string;
  /** Plans a death; resolves when the kill has happened. */
  killAt(call: ProxiedCall, moment: Moment): Promise<void>;
  close(): Promise<void>;
}

interface Plan {
  call: ProxiedCall;
  moment: Moment;
  done(): void;
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

/** Sends a request on to the API server. */
type Forward = (incoming: IncomingMessage, body: Buffer) => Promise<IncomingMessage>;

async function forwardTo(kubeconfigPath: string): Promise<Forward> {
  const config = JSON.parse(await readFile(kubeconfigPath, 'utf8')) as Kubeconfig;
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  if (cluster === undefined || user === undefined) throw new Error('no cluster or user');
  const tls = {
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
    cert: Buffer.from(user['client-certificate-data'], 'base64'),
    key: Buffer.from(user['client-key-data'], 'base64'),
  };
  return (incoming, body) => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { method, headers, url } = incoming;
    const sent = request(`${cluster.server}${url}`, { ...tls, method, headers }, resolve);
    sent.on('error', reject);
    incoming.on('close', () => sent.destroy());
    sent.end(body);
    return promise;
  };
}

/**
 * Starts it.
 *
 * @param kubeconfigPath of the administrator
 * @param kill ends the client at once
 */
export async function startKillProxy(
  kubeconfigPath: string,
  kill: () => Promise<void>,
): Promise<KillProxy> {
  const forward = await forwardTo(kubeconfigPath);
  let plan: Plan | undefined;
  const die = async ({ done }: Plan) => {
    plan = undefined;
    await kill();
    done();
  };
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const body = Buffer.concat(await incoming.toArray());
    const planned = plan?.call === callOf(incoming, body) ? plan : undefined;
    if (planned?.moment === 'before') return die(planned);
    const answer = await forward(incoming, body);
    if (planned !== undefined) return die(planned);
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    await pipeline(answer, outgoing);
  };
  const authority = await createCertificateAuthority('kill-proxy-ca');
  const pair = await authority.issue({ commonName: 'kill-proxy', usage: 'server' });
  const server = createServer(pair, (incoming, outgoing) => {
    // Both sides may go away in the midst of it, which is what this is for.
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    kubeconfig: kubeconfigOf(url, authority.cert),
    killAt(call, moment) {
      const { promise, resolve } = Promise.withResolvers<void>();
      plan = { call, moment, done: resolve };
      return promise;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function kubeconfigOf(server: string, ca: string): string {
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: {} }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

function callOf({ method, url = '' }: IncomingMessage, body: Buffer): string {
  const [collection, last] = url.split('?')[0]?.split('/').slice(-2) ?? [];
  if (method !== 'POST') return `${method} ${collection}/${last}`;
  const { metadata } = JSON.parse(body.toString()) as { metadata?: { name?: string } };
  return `POST ${last}/${metadata?.name}`;
}
