import { errorMessage, redactUrl } from '@sluice/shared/base';
import { HttpError, type HttpResponse } from '../http.ts';
import type { RegistryClient } from './client.ts';

/** Connections that may break before a download is given up. */
const maxResumes = 5;

/**
 * Reads the content of a blob; when the connection breaks, it is asked for again from there on.
 *
 * @param first the answer that begins it
 * @param size bytes that it has
 * @throws HttpError when it breaks too often; as {@link RegistryClient.request}
 */
export async function* resumedBody(
  client: RegistryClient,
  path: string,
  first: HttpResponse,
  size: number,
): AsyncGenerator<Buffer> {
  let received = 0;
  let response = first;
  for (let resumes = 0; ; resumes++) {
    let toSkip = response.status === 206 ? 0 : received;
    let cause: unknown;
    try {
      for await (const part of response.body) {
        const chunk = (part as Buffer).subarray(toSkip);
        toSkip -= (part as Buffer).length - chunk.length;
        received += chunk.length;
        if (chunk.length > 0) yield chunk;
      }
    } catch (error) {
      cause = error;
    }
    client.signal.throwIfAborted();
    if (cause === undefined || received >= size) return;
    if (resumes >= maxResumes) {
      const what = `${redactUrl(response.url.href)}: the connection broke`;
      throw new HttpError(`${what}: ${errorMessage(cause)}`, { cause });
    }
    response = await client.request('GET', path, { from: received });
    if (response.status === 206) checkStart(response, received);
  }
}

/** Whatever else came would be found out by the digest; this says why. */
function checkStart({ headers, url }: HttpResponse, from: number): void {
  const range = headers['content-range'] ?? '';
  if (range.startsWith(`bytes ${from}-`)) return;
  throw new HttpError(`${redactUrl(url.href)}: the registry sent another range than asked for`);
}
