/** A proxy that an object names. */
export interface NamedProxy {
  /** Of one that speaks HTTP (`http://`, `https://`) or SOCKS5 (`socks5://`, `socks5h://`). */
  address: string;
  /** Before a login in the address. */
  username?: string;
  password?: string;
}

/** Proxies for what names none, as other programs read them from the environment. */
export interface DefaultProxy {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
}

const socksSchemes = ['socks5:', 'socks5h:'];
const schemes = ['http:', 'https:', ...socksSchemes];

/** How the address of a proxy may be written, for messages. */
export const proxyForms = 'http://<host>:<port>, https://<host>:<port> or socks5://<host>:<port>';

/** Tells whether a text is the address of a proxy that can be used. */
export function isProxyAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && schemes.includes(url.protocol) && url.hostname !== '';
}

/** Tells whether a proxy speaks SOCKS5. In both forms of its address it is the proxy that resolves names. */
export function isSocks({ address }: NamedProxy): boolean {
  return socksSchemes.includes(new URL(address).protocol);
}

/** The login at a proxy; undefined when there is none. */
export function proxyLogin(proxy: NamedProxy): { username: string; password: string } | undefined {
  const url = new URL(proxy.address);
  const username = proxy.username || decoded(url.username);
  const password = proxy.password || decoded(url.password);
  return username === '' && password === '' ? undefined : { username, password };
}

/** The value of the Proxy-Authorization header; undefined when there is no login. */
export function proxyAuthorization(proxy: NamedProxy): string | undefined {
  const login = proxyLogin(proxy);
  if (login === undefined) return undefined;
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

/** Broken encodings stay as they are. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
