import type { IncomingMessage, Server } from 'node:http';

/** The credentials that a test server asks for. */
export type ServerAuth = { username: string; password: string } | { bearerToken: string };

/** Whether a request brings those credentials; true when none are asked for. */
export function isAuthorized(request: IncomingMessage, auth: ServerAuth | undefined): boolean {
  if (!auth) return true;
  const expected =
    'bearerToken' in auth
      ? `Bearer ${auth.bearerToken}`
      : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  return request.headers.authorization === expected;
}

/** Listens on a free port of a loopback address and returns it. */
export function listenOnLoopback(server: Server, port = 0, host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as { port: number }).port);
    });
  });
}

/** Closes a server with all its connections and waits for it. */
export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
