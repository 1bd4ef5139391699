import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FluxEvent } from '@sluice/shared/api';

/** Receives what the Provider `terminal` sends and hands each event on as one line. */
export async function listenForNotifications(
  show: (line: string) => void,
): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    try {
      const event = JSON.parse(await text(request)) as FluxEvent;
      const { involvedObject: object } = event;
      show(
        `${event.severity.padEnd(5)} ${object.kind}/${object.name}: ${event.reason}: ${event.message.split('\n').join(', ')}`,
      );
      response.writeHead(200).end();
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/notifications`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
