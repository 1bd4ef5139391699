import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KubeObject } from '@sluice/shared/api';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { createCertificateAuthority } from './certificates.ts';
import { until } from './until.ts';

/** A node whose Pods have logs; its Pods run on the fake node's terms. */
export interface LoggingNode {
  name: string;
  /**
   * What a container has written, or what reads it, by the start of `<pod>/<container>`; without an entry, the node does
   * not answer.
   */
  logs: Map<string, string | (() => Promise<string>)>;
  /** Queries that the API server sent, in order. */
  queries: URLSearchParams[];
  stop(): Promise<void>;
}

interface Node extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

/**
 * Serves the logs of a node in the way of a kubelet, whole, whatever part is asked for.
 *
 * @param o.name the node
 * @param o.exists it is there already, and stays; it is made and deleted otherwise
 */
export async function startLoggingNode(
  client: KubeClient,
  o: { name: string; exists?: boolean },
): Promise<LoggingNode> {
  const logs: LoggingNode['logs'] = new Map();
  const queries: URLSearchParams[] = [];
  const server = await startServer(o.name, logs, queries);
  const { port } = server.address() as AddressInfo;
  if (!o.exists) {
    await client.create(coreResources.nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: o.name },
    });
  }
  await pointNodeAt(client, o.name, port);
  return {
    name: o.name,
    logs,
    queries,
    async stop() {
      if (!o.exists) await client.delete(coreResources.nodes, { name: o.name });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function startServer(
  name: string,
  logs: LoggingNode['logs'],
  queries: URLSearchParams[],
): Promise<Server> {
  const authority = await createCertificateAuthority();
  const { cert, key } = await authority.issue({
    commonName: name,
    usage: 'server',
    hosts: ['127.0.0.1'],
  });
  const server = createServer({ cert, key }, async (request, response) => {
    const url = new URL(request.url ?? '', 'https://node');
    queries.push(url.searchParams);
    const [pod, container] = url.pathname.split('/').slice(-2);
    const log = [...logs].find(([of]) => `${pod}/${container}`.startsWith(of))?.[1];
    if (log === undefined) response.destroy();
    else response.end(typeof log === 'string' ? log : await log());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function pointNodeAt(client: KubeClient, name: string, port: number): Promise<void> {
  const isReady = (object: Node) =>
    object.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
  // The fake node's player writes addresses of its own first.
  await until<Node>(client, coreResources.nodes, { name }, isReady);
  const status = {
    addresses: [{ type: 'Hostname', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await client.patch(
    coreResources.nodes,
    { name },
    { status },
    { type: 'merge', subresource: 'status' },
  );
}
