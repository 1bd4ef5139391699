import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici';
import { guardedConnector } from './connector.ts';
import type { NetworkGuard } from './guard.ts';
import { type DefaultProxy, isSocks, type NamedProxy, proxyAuthorization } from './proxy.ts';
import { tunnelConnector } from './tunnel.ts';

/** TLS material in PEM. */
export interface DispatcherTls {
  ca?: string | string[];
  cert?: string;
  key?: string;
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
  if (proxy !== undefined && isSocks(proxy)) {
    const tunnel = { guard, proxy, timeoutMs: connectTimeoutMs };
    return new Agent({ ...common, connect: tunnelConnector(tunnel, settings) });
  }
  if (proxy !== undefined) {
    const token = proxyAuthorization(proxy);
    return new ProxyAgent({
      ...common,
      uri: proxy.address,
      requestTls: settings,
      proxyTls: { lookup: guard.lookupFor('proxy') },
      ...(token !== undefined && { token }),
    });
  }
  const direct = { ...common, connect: guardedConnector(guard, settings) };
  const isProxied = defaultProxy?.httpProxy || defaultProxy?.httpsProxy;
  if (!isProxied || tls !== undefined) return new Agent(direct);
  return new EnvHttpProxyAgent({ ...direct, ...defaultProxy });
}
