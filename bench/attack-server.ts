import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** In a process that the bench forked: answers every request so, and tells the bench the address. */
export function answerAll(answer: (response: ServerResponse) => void): void {
  const server = createServer((_, response) => answer(response));
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.send?.(`http://127.0.0.1:${port}`);
  });
  process.once('disconnect', () => process.exit());
}
