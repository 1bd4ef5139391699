import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { readByteRange } from './byte-range.ts';
import type { StoredFile } from './stored-file.ts';

/**
 * Answers with a file: as a whole, a part of it, its head only, or that it is the same as the one that the client has.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110
 */
export async function sendFile(
  file: StoredFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { size } = file;
  const etag = `"${size.toString(16)}-${Math.trunc(file.mtimeMs).toString(16)}"`;
  const validators = { etag, 'last-modified': new Date(file.mtimeMs).toUTCString() };
  if (isUnchanged(request, etag, file.mtimeMs)) {
    response.writeHead(304, validators).end();
    return;
  }
  const condition = request.headers['if-range'];
  const isRangeWanted = condition === undefined || condition === etag;
  const range = isRangeWanted ? readByteRange(request.headers.range, size) : undefined;
  if (range === 'outside') {
    response.writeHead(416, { 'content-range': `bytes */${size}`, 'content-length': 0 }).end();
    return;
  }
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': request.url?.endsWith('.yaml') ? 'application/yaml' : 'application/gzip',
    'content-length': range === undefined ? size : range.end - range.start + 1,
    'accept-ranges': 'bytes',
    ...(range !== undefined && { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
    ...validators,
  });
  if (request.method === 'HEAD' || size === 0) response.end();
  else await pipeline(file.read(range), response);
}

/** A tag says more than a time, which is of a second. */
function isUnchanged({ headers }: IncomingMessage, etag: string, mtimeMs: number): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) {
    return tags.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
  }
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Math.trunc(mtimeMs / 1000) * 1000 <= since;
}
