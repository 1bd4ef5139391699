import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { AddressPolicy, type AddressPolicyOptions } from './address-policy.ts';
import { AddressRefusedError, type HostRole } from './refused-error.ts';

/** Resolves a name to all its addresses, as `lookup` of node:dns does. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface NetworkGuardOptions extends AddressPolicyOptions {
  /** The system's resolver when absent. */
  resolve?: Resolve;
}

/**
 * Decides where connections may lead whose target an object names. It sits where sockets resolve names: what it has
 * checked is what the socket connects to, so no second answer of a name server, and no redirect, gets around it.
 */
export class NetworkGuard {
  readonly #policy: AddressPolicy;
  readonly #resolve: Resolve;

  /** @throws RangeError when an entry of a list is neither a class nor a range */
  constructor(o: NetworkGuardOptions = {}) {
    this.#policy = new AddressPolicy(o);
    this.#resolve = o.resolve ?? systemLookup;
  }

  /**
   * Checks a host that is written as an address; names are checked when they are resolved.
   *
   * @param hostname as in a URL, IPv6 addresses with or without brackets
   * @throws AddressRefusedError
   */
  check(hostname: string, role: HostRole = 'host'): void {
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) === 0) return;
    const refusal = this.#policy.refusalOf(host);
    if (refusal !== undefined) throw new AddressRefusedError(host, refusal, role);
  }

  /** Makes the function by which a socket resolves names: it returns allowed addresses only. */
  lookupFor(role: HostRole = 'host'): LookupFunction {
    return (hostname, options, callback) => {
      this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return callback(error, '', 0);
        const refusals = addresses.map(({ address }) => this.#policy.refusalOf(address));
        const allowed = addresses.filter((_, at) => refusals[at] === undefined);
        const [first] = allowed;
        if (first === undefined) {
          const refusal = refusals[0] ?? 'unspecified';
          return callback(new AddressRefusedError(hostname, refusal, role), '', 0);
        }
        if (options.all) return callback(null, allowed);
        return callback(null, first.address, first.family);
      });
    };
  }
}
