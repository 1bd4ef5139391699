import { type Clock, sha256Hex } from '@sluice/shared/base';
import type { TokenCacheMetrics, TokenUser } from '@sluice/shared/runtime';
import type { Dispatcher } from 'undici';
import {
  HttpError,
  type HttpRequest,
  type HttpResponse,
  readBody,
  retryAfterMs,
  send,
} from '../http.ts';
import { type Challenge, mayReceiveLogin, parseChallenge } from './challenge.ts';
import type { RegistryLogin } from './docker-config.ts';
import type { RepositoryAddress } from './reference.ts';

/** The registry refused the login, or asks for one. */
export class RegistryAuthError extends Error {
  override name = 'RegistryAuthError';
}

export interface RegistryClientOptions {
  address: RepositoryAddress;
  login?: RegistryLogin;
  dispatcher: Dispatcher;
  signal: AbortSignal;
  clock: Clock;
  /** Answers to challenges, shared by all clients. */
  authorizations: AuthorizationCache;
  /** The object that is served; for metrics. */
  user: TokenUser;
  /** Tells apart ways to reach the same host. */
  endpointId: string;
}

interface Authorization {
  /** Value of the header. */
  header: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

const maxAuthorizations = 5000;
const defaultTokenMs = 60_000;
/** Tokens are renewed this long before they expire. */
const marginMs = 10_000;
const maxTokenBytes = 1024 * 1024;

/** Remembers how requests to a repository are authorized, so that a poll takes one request. */
export class AuthorizationCache {
  readonly #entries = new Map<string, Authorization>();
  readonly metrics: TokenCacheMetrics | undefined;

  constructor(metrics?: TokenCacheMetrics) {
    this.metrics = metrics;
  }

  get(key: string, nowMs: number): string | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt <= nowMs) return undefined;
    return entry.header;
  }

  set(key: string, authorization: Authorization): void {
    this.delete(key);
    this.#entries.set(key, authorization);
    this.metrics?.changed(1);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxAuthorizations && oldest !== undefined) {
      this.delete(oldest);
      this.metrics?.evicted();
    }
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.metrics?.changed(-1);
  }
}

/**
 * Sends requests to one repository of a registry, and meets its challenges: basic, and tokens from the server
 * that the registry names, which sees the login only if {@link mayReceiveLogin}.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export class RegistryClient {
  readonly #o: RegistryClientOptions;
  readonly #key: string;

  constructor(o: RegistryClientOptions) {
    this.#o = o;
    const { address, login, endpointId } = o;
    const identity = login === undefined ? '' : sha256Hex(`${login.username}\0${login.password}`);
    this.#key = [address.base.origin, address.repository, endpointId, identity].join(' ');
  }

  /** Ends all requests. */
  get signal(): AbortSignal {
    return this.#o.signal;
  }

  /** The repository that is asked. */
  get address(): RepositoryAddress {
    return this.#o.address;
  }

  /**
   * Sends a request below `/v2/<repository>/`.
   *
   * @param path with its query; or a whole path on the same host, starting with `/`
   * @param o.from asks for the content from this byte on; the answer may begin there, with status 206
   * @returns an answer of status 200
   * @throws HttpError with any other status; RegistryAuthError when the login is refused or missing
   */
  async request(
    method: 'GET' | 'HEAD',
    path: string,
    { accept, from }: { accept?: string; from?: number } = {},
  ): Promise<HttpResponse> {
    const { address, authorizations, clock } = this.#o;
    const target = path.startsWith('/') ? path : `/v2/${address.repository}/${path}`;
    // Set, not parsed: a path that starts with two slashes would name another host.
    const url = new URL(address.base);
    const query = target.indexOf('?');
    url.pathname = query < 0 ? target : target.slice(0, query);
    url.search = query < 0 ? '' : target.slice(query);
    const headers: Record<string, string> = {
      ...(accept !== undefined && { accept }),
      ...(from !== undefined && { range: `bytes=${from}-` }),
    };
    const known = authorizations.get(this.#key, clock.now());
    if (known !== undefined) authorizations.metrics?.used('cache_hit', this.#o.user);
    let response = await this.#send({ method, url, headers, authorization: known });
    if (response.status === 401) {
      const challenge = parseChallenge(response.headers['www-authenticate']);
      await response.body.dump();
      authorizations.delete(this.#key);
      const authorization = await this.#answer(challenge);
      response = await this.#send({ method, url, headers, authorization });
    }
    if (response.status === 200 || (response.status === 206 && from !== undefined)) return response;
    await response.body.dump();
    throw this.#failure(response);
  }

  #send(o: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'authorization'>) {
    const { dispatcher, signal } = this.#o;
    return send({ ...o, dispatcher, signal });
  }

  #failure(response: HttpResponse): Error {
    const { status, headers, url } = response;
    const where = `${url.origin}${url.pathname}`;
    if (status === 401 || status === 403) {
      const why = this.#o.login === undefined ? 'authentication required' : 'access denied';
      return new RegistryAuthError(`${where}: ${why} (status ${status})`);
    }
    const wait = retryAfterMs(headers, this.#o.clock.now());
    const what = status === 404 ? 'not found' : `the registry answered with status ${status}`;
    return new HttpError(`${where}: ${what}`, { status, retryAfterMs: wait });
  }

  async #answer(challenge: Challenge | undefined): Promise<string> {
    const { authorizations, login } = this.#o;
    if (challenge?.scheme === 'bearer') {
      const token = await this.#countedToken(challenge.parameters);
      authorizations.set(this.#key, token);
      return token.header;
    }
    if (challenge?.scheme !== 'basic' || login === undefined) {
      throw new RegistryAuthError(`${this.#o.address.host}: authentication required`);
    }
    const header = basic(login);
    authorizations.set(this.#key, { header, expiresAt: Number.POSITIVE_INFINITY });
    return header;
  }

  async #countedToken(parameters: Record<string, string>): Promise<Authorization> {
    const { authorizations, user } = this.#o;
    authorizations.metrics?.used('cache_miss', user);
    try {
      const token = await this.#fetchToken(parameters);
      authorizations.metrics?.requested('success');
      return token;
    } catch (error) {
      authorizations.metrics?.requested('failure');
      throw error;
    }
  }

  /** @see https://distribution.github.io/distribution/spec/auth/token/ */
  async #fetchToken(parameters: Record<string, string>): Promise<Authorization> {
    const { address, login, clock } = this.#o;
    const realm = URL.parse(parameters['realm'] ?? '');
    if (realm === null || !['http:', 'https:'].includes(realm.protocol)) {
      throw new RegistryAuthError(`${address.host}: names no token server that can be used`);
    }
    if (realm.protocol === 'http:' && address.base.protocol === 'https:') {
      throw new RegistryAuthError(`${address.host}: names a token server without HTTPS`);
    }
    if (login !== undefined && !mayReceiveLogin(address.base, realm)) {
      throw new RegistryAuthError(
        `${address.host}: wants its login sent to the token server ${realm.host} of another domain, which is refused`,
      );
    }
    if (parameters['service']) realm.searchParams.set('service', parameters['service']);
    realm.searchParams.set('scope', parameters['scope'] ?? `repository:${address.repository}:pull`);
    const authorization = login === undefined ? undefined : basic(login);
    const response = await this.#send({ method: 'GET', url: realm, authorization });
    const body = await readBody(response, maxTokenBytes);
    if (response.status !== 200) throw this.#tokenFailure(realm, response);
    const { token, expiresInMs } = parseToken(body, realm);
    return {
      header: `Bearer ${token}`,
      expiresAt: clock.now() + Math.max(0, expiresInMs - marginMs),
    };
  }

  #tokenFailure(realm: URL, response: HttpResponse): Error {
    const message = `token server ${realm.host}: status ${response.status}`;
    if (response.status >= 400 && response.status < 500 && response.status !== 429) {
      return new RegistryAuthError(message);
    }
    const wait = retryAfterMs(response.headers, this.#o.clock.now());
    return new HttpError(message, { status: response.status, retryAfterMs: wait });
  }
}

function basic(login: RegistryLogin): string {
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

function parseToken(body: Buffer, realm: URL): { token: string; expiresInMs: number } {
  try {
    const answer = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    const token = answer['token'] ?? answer['access_token'];
    const seconds = answer['expires_in'];
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) {
      return { token, expiresInMs: typeof seconds === 'number' ? seconds * 1000 : defaultTokenMs };
    }
  } catch {
    // Reported below: the parser's message would quote the answer, which may hold a token.
  }
  throw new RegistryAuthError(`token server ${realm.host}: its answer holds no token`);
}
