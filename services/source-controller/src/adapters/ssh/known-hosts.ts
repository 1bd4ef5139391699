import { createHmac } from 'node:crypto';

/** A line of a known_hosts file. */
interface Entry {
  line: number;
  marker: string;
  /** Names and patterns, or one hashed name. */
  hosts: string;
  type: string;
  key: Buffer;
}

/** Longest lines and most of them; a file of ssh-keyscan has three lines a host. */
const maxLines = 2_000;
const maxLineLength = 16_384;
const defaultPort = 22;
const markers = ['@cert-authority', '@revoked'];
const comment = /^\s*(?:#|$)/;
const rsa = 'ssh-rsa';
/** An RSA key signs by several algorithms (RFC 8332). */
const rsaAlgorithms = ['rsa-sha2-512', 'rsa-sha2-256', rsa];

/** A text that is no known_hosts file; the message continues a sentence about it. */
export class KnownHostsError extends Error {
  override name = 'KnownHostsError';
}

/**
 * The keys by which servers are known.
 *
 * @see https://man.openbsd.org/sshd#SSH_KNOWN_HOSTS_FILE_FORMAT
 */
export class KnownHosts {
  readonly #entries: Entry[];

  /** @throws KnownHostsError that names the line */
  constructor(text: string) {
    const lines = text.split(/\r?\n/);
    if (lines.length > maxLines) {
      throw new KnownHostsError(`has ${lines.length} lines: at most ${maxLines} are read`);
    }
    this.#entries = lines.flatMap((line, at) => (comment.test(line) ? [] : entryOf(line, at + 1)));
  }

  /** Returns the signature algorithms by which a server can prove to have a known key; none when none is known. */
  algorithmsOf(host: string, port: number): string[] {
    const types = new Set(this.#keysOf(host, port).map(({ type }) => type));
    return [...types].flatMap((type) => (type === rsa ? rsaAlgorithms : [type]));
  }

  /** Numbers of the lines by which authorities vouch for a server. */
  authorityLines(host: string, port: number): number[] {
    const entries = this.#entriesOf(host, port);
    return entries.filter(({ marker }) => marker === '@cert-authority').map(({ line }) => line);
  }

  /** Whether a server is known by a key, in the form of its wire protocol. */
  isKnown(host: string, port: number, key: Buffer): boolean {
    const same = (entry: Entry) => entry.key.equals(key);
    const isRevoked = this.#entriesOf(host, port).some(
      (entry) => entry.marker === '@revoked' && same(entry),
    );
    return !isRevoked && this.#keysOf(host, port).some(same);
  }

  #keysOf(host: string, port: number): Entry[] {
    return this.#entriesOf(host, port).filter(({ marker }) => marker === '');
  }

  #entriesOf(host: string, port: number): Entry[] {
    const name = nameOf(host, port);
    return this.#entries.filter(({ hosts }) => names(hosts, name));
  }
}

/** A server as the file names it. */
function nameOf(host: string, port: number): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return port === defaultPort ? bare : `[${bare}]:${port}`;
}

function entryOf(line: string, number: number): Entry[] {
  if (line.length > maxLineLength) {
    throw new KnownHostsError(
      `has ${line.length} characters in line ${number}: at most ${maxLineLength} are read`,
    );
  }
  const words = line.trim().split(/\s+/);
  const marker = words[0]?.startsWith('@') ? (words.shift() ?? '') : '';
  const [hosts, type, key] = words;
  if ((marker !== '' && !markers.includes(marker)) || !hosts || !type || !key) {
    throw new KnownHostsError(
      `is not in the form of ssh-keyscan in line ${number}: it needs a host, the type of a key and the key`,
    );
  }
  return [{ line: number, marker, hosts, type, key: Buffer.from(key, 'base64') }];
}

function names(hosts: string, name: string): boolean {
  if (hosts.startsWith('|1|')) return isHashOf(hosts, name);
  let matched = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    const isNegated = pattern.startsWith('!');
    if (!matches(isNegated ? pattern.slice(1) : pattern, name)) continue;
    if (isNegated) return false;
    matched = true;
  }
  return matched;
}

/** `|1|salt|hash`: the name is not to be read from the file. */
function isHashOf(hosts: string, name: string): boolean {
  const [, , salt = '', hash = ''] = hosts.split('|');
  const hmac = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return hmac.equals(Buffer.from(hash, 'base64'));
}

/** Matches `*` and `?`, in time linear in the lengths for each star. */
function matches(pattern: string, name: string): boolean {
  let at = 0;
  let p = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[at])) {
      p++;
      at++;
    } else if (pattern[p] === '*') {
      star = p++;
      resume = at;
    } else if (star >= 0) {
      p = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
