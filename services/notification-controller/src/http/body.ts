import type { IncomingMessage } from 'node:http';

/** Largest body of an event or a webhook; Flux has the same limit. */
export const maxBodyBytes = 3 * 1024 * 1024;

/** The body of a request is longer than {@link maxBodyBytes}. */
export class BodyTooLargeError extends Error {
  override name = 'BodyTooLargeError';
}

/**
 * Reads the body of a request.
 *
 * @throws BodyTooLargeError once it is too long; what the stream throws when the client goes away
 */
export async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBodyBytes) throw new BodyTooLargeError();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBodyBytes) throw new BodyTooLargeError();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
