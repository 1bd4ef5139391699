import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Prefixes of IPv6 that hold an IPv4 address after them, and how many bits they have: mapped, translated, compatible,
 * NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056).
 */
const embeddings: readonly [prefix: string, bits: number][] = [
  ['::ffff:', 96],
  ['::ffff:0:', 96],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 96],
  ['2002:', 16],
];

/** A set of IP addresses. An IPv4 range in it covers the forms that its addresses have in IPv6. */
export class AddressSet {
  readonly #list = new BlockList();

  constructor(ranges: readonly string[] = []) {
    for (const range of ranges) this.#add(range);
  }

  /** Tells whether an address is in the set; what is no address is not. */
  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  #add(range: string): void {
    const { address, bits } = parseRange(range);
    if (!isIPv4(address)) {
      this.#list.addSubnet(address, bits, 'ipv6');
      return;
    }
    this.#list.addSubnet(address, bits, 'ipv4');
    for (const [prefix, prefixBits] of embeddings) {
      const at = prefixBits === 16 ? `${prefix}${groupsOf(address)}::` : `${prefix}${address}`;
      this.#list.addSubnet(at, prefixBits + bits, 'ipv6');
    }
  }
}

/**
 * Reads a range in CIDR notation, or a single address.
 *
 * @throws RangeError when it is neither
 */
export function parseRange(text: string): { address: string; bits: number } {
  const [, address = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  if (family === 0 || address.includes('%') || bits > most) {
    throw new RangeError(`'${text}' is no IP address or range: write 10.0.0.0/8 or fd00::/8`);
  }
  return { address, bits };
}

function groupsOf(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
