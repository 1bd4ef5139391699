import { type Clock, redactUrl } from '@sluice/shared/base';
import { HttpError, type HttpRequest, retryAfterMs, send } from './http.ts';
import { type SavedBody, type SaveOptions, saveBody } from './save-body.ts';

/**
 * Downloads a file.
 *
 * @throws HttpError when the answer is not 200, or larger than allowed
 */
export async function fetchFile(
  request: Omit<HttpRequest, 'method' | 'body'> & { clock: Clock },
  o: SaveOptions,
): Promise<SavedBody> {
  const { clock, ...rest } = request;
  const response = await send({ ...rest, method: 'GET' });
  const { status, headers, url } = response;
  if (status === 200) return saveBody(response, o);
  await response.body.dump();
  const what = status === 404 ? 'not found' : `the server answered with status ${status}`;
  throw new HttpError(`${redactUrl(url.href)}: ${what}`, {
    status,
    retryAfterMs: retryAfterMs(headers, clock.now()),
  });
}
