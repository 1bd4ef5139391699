// biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for
const controlCharacter = /[\x00-\x1f\x7f]/;
const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i;
/** `https:///x` would be read as the server x. */
const withoutServer = /^[^:]*:\/\/(?:[/\\]|$)/;
/** `<user>@<host>:<path>`, as ssh's own programs take it. */
const shortForm = /^(?:([^@/:]+)@)?(\[[0-9a-f:.]+\]|[^@/:[\]]+):(?!\/\/|:|-)(.+)$/i;
const relative = /^\.\.?\//;
const schemes = ['http:', 'https:', 'ssh:'];
const sshPort = '22';

/** Where a repository is. */
export interface RepositoryAddress {
  url: URL;
  /** Path on an SSH server when it is not that of the address: relative to the directory in which its user begins. */
  path?: string;
}

/** An address that cannot be used; the message continues a sentence about it. */
export class AddressError extends Error {
  override name = 'AddressError';
}

/**
 * Says where a submodule is, as git does.
 *
 * @param parent address of the repository that holds it
 * @param written address in its `.gitmodules`
 * @throws AddressError when it leads out of the server that it is relative to
 * @see https://git-scm.com/docs/gitmodules#Documentation/gitmodules.txt-submoduleltnamegturl
 */
export function submoduleAddress(parent: string, written: string): string {
  if (!relative.test(written)) return written;
  let base = parent.replace(/\/$/, '');
  let rest = written;
  let separator = '/';
  for (;;) {
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      rest = rest.slice(3);
      const slash = base.lastIndexOf('/');
      // `host:path` has one directory more than slashes.
      if (slash < 0) separator = ':';
      base = base.slice(0, Math.max(0, slash < 0 ? base.lastIndexOf(':') : slash));
    } else break;
  }
  const found = `${base}${separator}${rest}`.replace(/\/$/, '');
  if (!isSameServer(addressOf(parent).url, addressOf(found).url)) {
    throw new AddressError(`'${written}' leads out of the server that it is relative to`);
  }
  return found;
}

/**
 * Reads the address of a repository: `https://`, `http://`, `ssh://`, or `<user>@<host>:<path>`.
 *
 * @throws AddressError when it is none of these
 */
export function addressOf(text: string): RepositoryAddress {
  const short = withScheme.test(text) ? null : shortForm.exec(text);
  const address = short === null ? { url: URL.parse(text) } : fromShortForm(short);
  const { url } = address;
  const isOdd = withoutServer.test(text) || url?.hostname.startsWith('-');
  if (url === null || isOdd || url.hostname === '' || !schemes.includes(url.protocol)) {
    throw new AddressError('must begin with https://, http:// or ssh://, or be relative (../)');
  }
  const problem = controlCharacter.test(text) ? 'must hold no control characters' : sshProblem(url);
  if (problem !== undefined) throw new AddressError(problem);
  return { ...address, url };
}

function fromShortForm([, user, host, path = '']: RegExpExecArray) {
  const login = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const isRelative = !path.startsWith('/');
  const pathname = path.split('/').map(encodeURIComponent).join('/');
  return {
    url: URL.parse(`ssh://${login}${host}${isRelative ? '/' : ''}${pathname}`),
    ...(isRelative && { path }),
  };
}

/** Says what about an address SSH cannot use, as the end of a sentence; undefined when nothing. */
export function sshProblem(url: URL): string | undefined {
  if (url.protocol !== 'ssh:') return undefined;
  if (url.password !== '')
    return 'holds a password, which SSH does not take: the key in spec.secretRef logs in';
  return controlCharacter.test(decoded(`${url.username}${url.pathname}`))
    ? 'must hold no control characters and no broken percent-encoding'
    : undefined;
}

/** Tells whether two addresses are of one server: scheme, host and port. */
export function isSameServer(one: URL, other: URL): boolean {
  return serverOf(one) === serverOf(other);
}

function serverOf({ protocol, hostname, port }: URL): string {
  const shown = protocol === 'ssh:' && port === '' ? sshPort : port;
  return `${protocol}//${hostname.toLowerCase()}:${shown}`;
}

/** Broken encodings become a control character. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '\0';
  }
}
