import { isIP } from 'node:net';
import { AddressSet, parseRange } from './address-set.ts';

/** What kinds of addresses there are, as far as the rules go; `public` are all others. */
export const addressClasses = [
  'metadata',
  'loopback',
  'link-local',
  'unspecified',
  'broadcast',
  'multicast',
  'private',
] as const;
export type AddressClass = (typeof addressClasses)[number];

/** Refused unless allowed by name: no service that an object may name has such an address. */
const alwaysRefused: readonly AddressClass[] = addressClasses.filter((name) => name !== 'private');

/** @see https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry */
const ranges: Record<AddressClass, readonly string[]> = {
  // Metadata services outside of the link-local ranges: AWS, Google, Alibaba, Azure, Oracle.
  metadata: [
    '169.254.169.254',
    'fd00:ec2::254',
    'fd20:ce::254',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
  ],
  loopback: ['127.0.0.0/8', '::1'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  unspecified: ['0.0.0.0/8', '::'],
  broadcast: ['255.255.255.255'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
  // Private use, shared address space, benchmarks, protocol assignments, future use; unique local, site-local,
  // local NAT64, Teredo.
  private: [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '100.64.0.0/10',
    '198.18.0.0/15',
    '192.0.0.0/24',
    '240.0.0.0/4',
    'fc00::/7',
    'fec0::/10',
    '64:ff9b:1::/48',
    '2001::/32',
  ],
};

const classSets = addressClasses.map((name) => [name, new AddressSet(ranges[name])] as const);

/** Returns the class of an address. */
export function classOf(address: string): AddressClass | 'public' {
  return classSets.find(([, set]) => set.has(address))?.[0] ?? 'public';
}

/** Lists of classes, and of ranges in CIDR notation. */
export interface AddressPolicyOptions {
  /** Allowed whatever else says no. */
  allow?: readonly string[];
  /** Refused besides what always is. */
  deny?: readonly string[];
}

/** Why an address is refused: its class, or that a range of `--deny-addresses` holds it. */
export type Refusal = AddressClass | 'denied';

/** Decides which addresses may be connected to. */
export class AddressPolicy {
  readonly #allowedClasses: ReadonlySet<string>;
  readonly #deniedClasses: ReadonlySet<string>;
  readonly #allowed: AddressSet;
  readonly #denied: AddressSet;

  /** @throws RangeError when an entry is neither a class nor a range */
  constructor({ allow = [], deny = [] }: AddressPolicyOptions = {}) {
    const isClass = (entry: string) => addressClasses.some((name) => name === entry);
    const isRange = (entry: string) => !isClass(entry);
    this.#allowedClasses = new Set(allow.filter(isClass));
    this.#deniedClasses = new Set([...alwaysRefused, ...deny.filter(isClass)]);
    this.#allowed = new AddressSet(allow.filter(isRange));
    this.#denied = new AddressSet(deny.filter(isRange));
  }

  /** Says why an address is refused; undefined when it is not. What is no address is refused, too. */
  refusalOf(address: string): Refusal | undefined {
    const bare = address.replace(/%.*$/, '');
    if (isIP(bare) === 0) return 'unspecified';
    if (this.#allowed.has(bare)) return undefined;
    const name = classOf(bare);
    if (this.#allowedClasses.has(name)) return undefined;
    if (name !== 'public' && this.#deniedClasses.has(name)) return name;
    return this.#denied.has(bare) ? 'denied' : undefined;
  }
}

/**
 * Checks the entries of a list of classes and ranges.
 *
 * @throws RangeError that names the entry and the fix
 */
export function checkAddressList(entries: readonly string[]): void {
  for (const entry of entries) {
    if (addressClasses.some((name) => name === entry)) continue;
    try {
      parseRange(entry);
    } catch {
      throw new RangeError(
        `must list address ranges such as 10.0.0.0/8, or ${addressClasses.join(', ')}`,
      );
    }
  }
}
