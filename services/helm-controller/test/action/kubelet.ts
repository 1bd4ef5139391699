import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KubeObject } from '@sluice/shared/api';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { createCertificateAuthority, until } from '@sluice/shared/testing';

/** A node whose Pods have logs; its Pods run on the fake node's terms. */
export interface LoggingNode {
  name: string;
  /** What a container has written, by `<pod>/<container>`; without an entry, the node does not answer. */
  logs: Map<string, string>;
  /** Queries that the API server sent, in order. */
  queries: URLSearchParams[];
  stop(): Promise<void>;
}

/** Serves the logs of a node in the way of a kubelet, and makes the node. */
export async function startLoggingNode(client: KubeClient, name: string): Promise<LoggingNode> {
  const logs = new Map<string, string>();
  const queries: URLSearchParams[] = [];
  const authority = await createCertificateAuthority();
  const { cert, key } = await authority.issue({
    commonName: name,
    usage: 'server',
    hosts: ['127.0.0.1'],
  });
  const server = createServer({ cert, key }, (request, response) => {
    const url = new URL(request.url ?? '', 'https://node');
    queries.push(url.searchParams);
    const [pod, container] = url.pathname.split('/').slice(-2);
    const byPrefix = [...logs].find(([of]) => `${pod}/${container}`.startsWith(of));
    if (byPrefix === undefined) response.destroy();
    else response.end(byPrefix[1]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await createNode(client, name, port);
  return {
    name,
    logs,
    queries,
    async stop() {
      await client.delete(coreResources.nodes, { name });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Node = KubeObject & { status?: { conditions?: { type: string; status: string }[] } };

async function createNode(client: KubeClient, name: string, port: number): Promise<void> {
  const node: KubeObject = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
  await client.create(coreResources.nodes, node);
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
