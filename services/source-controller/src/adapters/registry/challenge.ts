/** What a registry asks of a client without valid credentials. */
export interface Challenge {
  /** In lower case: `basic` or `bearer`. */
  scheme: string;
  parameters: Record<string, string>;
}

/**
 * Parses a WWW-Authenticate header; the first challenge that can be met is taken.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate
 */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  for (const scheme of ['bearer', 'basic']) {
    const match = new RegExp(`(?:^|,\\s*)${scheme}(?=\\s|$|,)\\s*`, 'i').exec(header ?? '');
    if (match === null || header === undefined) continue;
    const rest = header.slice(match.index + match[0].length);
    return { scheme, parameters: parseParameters(rest) };
  }
  return undefined;
}

function parseParameters(text: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  const pattern = /\s*([a-zA-Z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)/y;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, name = '', quoted, plain = ''] = match;
    parameters[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? plain;
  }
  return parameters;
}

/**
 * Tells whether a token server may see the login for a registry: it must be on the same host, or on a host that
 * shares the registry's parent domain, over HTTPS unless the registry itself is used without.
 */
export function mayReceiveLogin(registry: URL, realm: URL): boolean {
  if (realm.protocol !== 'https:' && realm.protocol !== registry.protocol) return false;
  if (realm.hostname === registry.hostname) return true;
  if (isAddress(registry.hostname)) return false;
  const parent = registry.hostname.split('.').slice(1).join('.');
  if (!parent.includes('.')) return false;
  return realm.hostname === parent || realm.hostname.endsWith(`.${parent}`);
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^[0-9.]+$/.test(hostname);
}
