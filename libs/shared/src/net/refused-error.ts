import type { Refusal } from './address-policy.ts';

const descriptions: Record<Refusal, string> = {
  metadata: 'the address of a cloud metadata service',
  loopback: 'a loopback address',
  'link-local': 'a link-local address',
  unspecified: 'an unspecified address',
  broadcast: 'a broadcast address',
  multicast: 'a multicast address',
  private: 'a private address',
  denied: 'an address of --deny-addresses',
};

/** What a host is to a connection: where a request goes, or the proxy it goes through. */
export type HostRole = 'host' | 'proxy';

/** A connection that was not made because of where it would lead. The message names the host, not its address. */
export class AddressRefusedError extends Error {
  override name = 'AddressRefusedError';
  readonly code = 'ERR_ADDRESS_REFUSED';
  readonly host: string;
  readonly refusal: Refusal;
  readonly role: HostRole;

  constructor(host: string, refusal: Refusal, role: HostRole = 'host') {
    super(
      `${role} '${host}' has ${descriptions[refusal]}, which is refused: name another, or allow it with --allow-addresses`,
    );
    this.host = host;
    this.refusal = refusal;
    this.role = role;
  }
}

/** Returns the refusal that led to an error, however deep inside. */
export function refusalIn(error: unknown): AddressRefusedError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if (at instanceof AddressRefusedError) return at;
  }
  return undefined;
}
