import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

/** Answers a message with another one. */
export type GrpcMethod = (message: Buffer) => Promise<Uint8Array>;

/** A server on a socket of the file system. */
export interface GrpcServer {
  /** Ends it, and all that it still answers. */
  close(): Promise<void>;
}

const maxMessageBytes = 8 * 1024 * 1024;
const contentType = 'application/grpc+proto';
/** Of gRPC: `NOT_FOUND`, after which a client does not try again. */
const notFound = '5';

/**
 * Serves calls of gRPC that have one request and one answer.
 *
 * @param socket path of the socket, at most 100 bytes; whoever may open it may call
 * @param methods by their paths, such as `/KeyService/Decrypt`; one that throws is answered without a reason
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export async function serveGrpc(
  socket: string,
  methods: Readonly<Record<string, GrpcMethod>>,
): Promise<GrpcServer> {
  const { createServer } = await import('node:http2');
  const server = createServer();
  const sessions = new Set<Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => void answer(stream, headers, methods));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => resolve());
  });
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  methods: Readonly<Record<string, GrpcMethod>>,
): Promise<void> {
  stream.on('error', () => undefined);
  const reply = await replyTo(stream, methods[String(headers[':path'])]).catch(() => undefined);
  if (stream.destroyed) return;
  if (reply === undefined) {
    const status = { ':status': 200, 'content-type': contentType, 'grpc-status': notFound };
    stream.respond(status, { endStream: true });
    return;
  }
  stream.respond({ ':status': 200, 'content-type': contentType }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(framed(reply));
}

async function replyTo(
  stream: ServerHttp2Stream,
  method: GrpcMethod | undefined,
): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxMessageBytes) return undefined;
    chunks.push(chunk);
  }
  const frame = Buffer.concat(chunks);
  // A byte that says whether it is compressed, which nobody asked for, and the length of the message.
  const isWhole = frame.length >= 5 && frame[0] === 0 && frame.readUInt32BE(1) === size - 5;
  return isWhole ? method?.(frame.subarray(5)) : undefined;
}

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
