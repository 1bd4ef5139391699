import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createCertificateAuthority } from './certificates.ts';

/** A request that changes something, as `PATCH configmaps/<name>` or `PATCH deployments/<name>/status`. */
export type ProxiedCall = `${'POST' | 'PUT' | 'PATCH' | 'DELETE'} ${string}`;

/** When a client dies: just before its request arrives, or before it gets the answer. */
export type Moment = 'before' | 'after';

/** At which request a client dies. */
export interface Death {
  call: ProxiedCall | RegExp;
  moment: Moment;
  /** Of requests that are dry runs; those that are none unless told. */
  dryRun?: boolean;
  /** A text that the body holds. */
  holding?: string;
}

/** Stands in front of an API server, as its administrator, and sees to it that a client dies at a request. */
export interface KillProxy {
  /** For the client. */
  kubeconfig: string;
  /** Plans a death; resolves when the kill has happened. */
  killAt(death: Death): Promise<void>;
  /** Plans a death at the nth request from now on that changes something, in place of any other. */
  killAtWrite(nth: number, moment: Moment): Promise<void>;
  /** Takes back what was planned; returns whether it was yet to come. */
  spare(): boolean;
  close(): Promise<void>;
}

interface Plan {
  isDue(request: ProxiedRequest): boolean;
  moment: Moment;
  done(): void;
}

/** What is known of a request. */
interface ProxiedRequest {
  call: string;
  isWrite: boolean;
  isDryRun: boolean;
  body: string;
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
  const planDeath = (isDue: Plan['isDue'], moment: Moment) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    plan = { isDue, moment, done: resolve };
    return promise;
  };
  const die = async ({ done }: Plan) => {
    plan = undefined;
    await kill();
    done();
  };
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const body = Buffer.concat(await incoming.toArray());
    const planned = plan?.isDue(requestOf(incoming, body)) ? plan : undefined;
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
    killAt({ call, moment, dryRun = false, holding = '' }) {
      const isIt = (made: string) => (typeof call === 'string' ? made === call : call.test(made));
      const isDue = (request: ProxiedRequest) =>
        isIt(request.call) && request.isDryRun === dryRun && request.body.includes(holding);
      return planDeath(isDue, moment);
    },
    killAtWrite(nth, moment) {
      let left = nth;
      return planDeath(({ isWrite }) => isWrite && --left === 0, moment);
    },
    spare() {
      const isPlanned = plan !== undefined;
      plan = undefined;
      return isPlanned;
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

const writes = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** Returns the part of a path after the version and the namespace. */
function subjectOf(path: string): string[] {
  const parts = path.split('/').slice(1);
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  return rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest;
}

function requestOf({ method = '', url = '' }: IncomingMessage, body: Buffer): ProxiedRequest {
  const [path = '', query = ''] = url.split('?');
  const subject = subjectOf(path);
  const text = body.toString();
  const isDryRun = new URLSearchParams(query).has('dryRun');
  const isWrite = writes.includes(method) && !isDryRun && !isReview(subject);
  if (method === 'POST' && !isReview(subject)) {
    const { metadata } = JSON.parse(text) as { metadata?: { name?: string } };
    subject.push(`${metadata?.name}`);
  }
  return { call: `${method} ${subject.join('/')}`, isWrite, isDryRun, body: text };
}

/** Whether a request only asks what somebody may do. */
function isReview([resource = '']: string[]): boolean {
  return resource.endsWith('reviews');
}
