import { redactUrl } from '@sluice/shared/base';
import type { Dispatcher } from 'undici';
import { HttpError, type HttpResponse, readBody, send } from '../http.ts';
import { ProtocolError } from './git-error.ts';
import type { Advertisement, Answer, Discover, Exchange, GitTransport } from './git-transport.ts';

export interface HttpTransportOptions {
  /** Address of the repository, without credentials. */
  url: URL;
  authorization?: string;
  dispatcher: Dispatcher;
  signal: AbortSignal;
}

const maxErrorBytes = 4096;

/** The smart protocol over HTTP. Credentials are for the origin that the user named; one it redirects to gets none. */
export class HttpTransport implements GitTransport {
  readonly isStateless = true;
  readonly #o: HttpTransportOptions;

  constructor(o: HttpTransportOptions) {
    this.#o = o;
  }

  get url(): URL {
    return this.#o.url;
  }

  async discover({ url, headers, maxBytes, onLarge }: Discover): Promise<Advertisement> {
    const response = await send({ ...this.#common(new URL(url)), method: 'GET', headers });
    await refuseFailure(response);
    const body = await readBody(response, maxBytes, onLarge);
    return { base: baseOf(response.url), headers: response.headers, body };
  }

  async exchange({ base, headers, body }: Exchange): Promise<Answer> {
    const url = new URL(`${base}/git-upload-pack`);
    const response = await send({ ...this.#common(url), headers, body, method: 'POST' });
    await refuseFailure(response);
    return { url: url.href, headers: response.headers, body: response.body };
  }

  /** Connections are those of a pool. */
  close(): void {}

  #common(url: URL) {
    const { authorization, dispatcher, signal } = this.#o;
    const trusted = url.origin === this.#o.url.origin;
    return { url, dispatcher, signal, ...(trusted && { authorization }) };
  }
}

function baseOf(url: URL): string {
  const end = url.href.indexOf('/info/refs');
  if (end < 0) throw new ProtocolError('the server redirected to what is no repository');
  return url.href.slice(0, end);
}

async function refuseFailure(response: HttpResponse): Promise<void> {
  const { status } = response;
  if (status === 200) return;
  // Read to free the connection; a server's error page is of no use in a condition.
  await readBody(response, maxErrorBytes).catch(() => response.body.destroy());
  const what =
    status === 401 || status === 403
      ? 'authentication required'
      : status === 404
        ? 'repository not found'
        : `the server answered with status ${status}`;
  throw new HttpError(`${redactUrl(response.url.href)}: ${what}`, { status });
}
