import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A running HTTP server. */
export interface RunningServer {
  /** `host:port` it listens on. */
  address: string;
  port: number;
  close(): Promise<void>;
}

/**
 * Reads a listen address in Go's form, such as `:8080`, `127.0.0.1:0` or `[::1]:80`.
 *
 * @returns undefined for `0` and the empty string, which mean not to listen
 * @throws RangeError when it is no address
 */
export function parseAddress(text: string): { host?: string; port: number } | undefined {
  if (text === '' || text === '0') return undefined;
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new RangeError(
      `'${text}' is not a listen address; write host:port, :port, or 0 for none`,
    );
  }
  const host = match[1] ?? match[2];
  return host ? { host, port } : { port };
}

/** Milliseconds for a request to arrive, with its body. */
const requestTimeoutMs = 30_000;
/** Bytes of the headers of a request. */
const maxHeaderSize = 16 * 1024;

/**
 * Starts an HTTP server; undefined when the address says not to. A request whose headers and body are not there in time is answered
 * 408, one with headers of more than 16 KiB 431.
 *
 * @param o milliseconds for a request to arrive
 * @throws Error when the address cannot be listened on
 */
export async function startHttpServer(
  address: string,
  listener: RequestListener,
  o: { requestTimeoutMs: number } = { requestTimeoutMs },
): Promise<RunningServer | undefined> {
  const at = parseAddress(address);
  if (!at) return undefined;
  const server = createServer(
    {
      requestTimeout: o.requestTimeoutMs,
      headersTimeout: o.requestTimeoutMs,
      // Node's own interval would let a request take twice its time.
      connectionsCheckingInterval: o.requestTimeoutMs / 10,
      maxHeaderSize,
    },
    listener,
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { address: host, port, family } = server.address() as AddressInfo;
  return {
    address: `${family === 'IPv6' ? `[${host}]` : host}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
