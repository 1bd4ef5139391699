import type { Dispatcher } from 'undici';

/** How to get a file. */
export interface GetFileOptions {
  /** With the guard before it. */
  dispatcher: Dispatcher;
  signal: AbortSignal;
  /** Bytes of the file. */
  maxBytes: number;
  userAgent: string;
  /** Sees the content type before the content is read; what it throws ends the request. */
  check?(contentType: string): void;
}

const maxRedirects = 5;
const redirects = [301, 302, 303, 307, 308];

/**
 * Gets a file by HTTP. Redirects are followed, but not from https:// to http://.
 *
 * @throws Error in words about the server that continue `<address>: `; of the connection as undici does; the signal's
 *   reason
 */
export async function getFile(from: URL, o: GetFileOptions): Promise<Buffer> {
  let url = from;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const { statusCode, headers, body } = await o.dispatcher.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'GET',
      headers: { 'user-agent': o.userAgent },
      signal: o.signal,
    });
    body.on('error', () => undefined);
    if (!redirects.includes(statusCode)) {
      try {
        if (statusCode !== 200) throw new Error(`the server answered with status ${statusCode}`);
        o.check?.(String(headers['content-type'] ?? ''));
        return await read(body, o.maxBytes);
      } finally {
        body.destroy();
      }
    }
    body.destroy();
    url = redirectTarget(url, headers['location']);
  }
  throw new Error(`more than ${maxRedirects} redirects`);
}

function redirectTarget(from: URL, location: string | string[] | undefined): URL {
  const target = typeof location === 'string' ? URL.parse(location, from.href) : null;
  const allowed = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:'];
  if (target === null || !allowed.includes(target.protocol)) {
    throw new Error('redirected to an address that is not followed: name the last address');
  }
  return target;
}

async function read(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
