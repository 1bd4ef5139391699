import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici';
import { guardedConnector } from './connector.ts';
import type { NetworkGuard } from './guard.ts';

/** TLS material in PEM. */
export interface DispatcherTls {
  ca?: string | string[];
  cert?: string;
  key?: string;
}

/** A proxy that an object names. */
export interface NamedProxy {
  address: string;
  username?: string;
  password?: string;
}

/** Proxies for what names none, as other programs read them from the environment. */
export interface DefaultProxy {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
}

export interface DispatcherOptions {
  guard: NetworkGuard;
  tls?: DispatcherTls;
  proxy?: NamedProxy;
  /** The administrator's, so not guarded; used when the object names none. */
  defaultProxy?: DefaultProxy;
  /** Connections to one server; no limit when absent. */
  connections?: number;
  /** Milliseconds that a connection may take to be made. */
  connectTimeoutMs: number;
  /** Milliseconds to the head of an answer, and between pieces of its body. */
  answerTimeoutMs?: number;
}

/**
 * Makes the connection pools through which everything goes whose target an object names.
 *
 * Behind a proxy the guard sees no address: it checks the proxy when an object names it, and refuses targets written
 * as addresses; names are the proxy's to resolve, and to judge.
 */
export function createDispatcher(o: DispatcherOptions): Dispatcher {
  const { guard, proxy } = o;
  const proxyHost = proxy && new URL(proxy.address).hostname;
  return poolFor(o).compose((dispatch) => (options, handler) => {
    if (proxyHost !== undefined) guard.check(proxyHost, 'proxy');
    guard.check(new URL(options.origin ?? '').hostname);
    return dispatch(options, handler);
  });
}

function poolFor(o: DispatcherOptions): Dispatcher {
  const { guard, tls, proxy, defaultProxy, connections, connectTimeoutMs, answerTimeoutMs } = o;
  const common = {
    ...(connections !== undefined && { connections }),
    ...(answerTimeoutMs !== undefined && {
      headersTimeout: answerTimeoutMs,
      bodyTimeout: answerTimeoutMs,
    }),
    connectTimeout: connectTimeoutMs,
  };
  const settings = { ...tls, timeout: connectTimeoutMs };
  if (proxy !== undefined) {
    const login = `${proxy.username ?? ''}:${proxy.password ?? ''}`;
    return new ProxyAgent({
      ...common,
      uri: proxy.address,
      requestTls: settings,
      proxyTls: { lookup: guard.lookupFor('proxy') },
      ...(login !== ':' && { token: `Basic ${Buffer.from(login).toString('base64')}` }),
    });
  }
  const direct = { ...common, connect: guardedConnector(guard, settings) };
  const isProxied = defaultProxy?.httpProxy || defaultProxy?.httpsProxy;
  if (!isProxied || tls !== undefined) return new Agent(direct);
  return new EnvHttpProxyAgent({ ...direct, ...defaultProxy });
}
