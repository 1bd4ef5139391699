import {
  AddressError,
  addressOf,
  isSameServer,
  submoduleAddress,
} from '../adapters/git/repository-address.ts';

/** Where a repository is, and whether the object's credentials are for it. */
export interface Place {
  /** In full, for addresses that are relative to it. */
  text: string;
  address: URL;
  /** On an SSH server, when it is not that of the address. */
  path?: string;
  isTrusted: boolean;
}

/**
 * Says where a submodule is. Credentials are for the server of the repository that holds it: scheme, host and port; and
 * only if they were for that one.
 *
 * @param written address in `.gitmodules`
 * @throws AddressError that continues a sentence about the address
 */
export function submodulePlace(written: string, holder: Place): Place {
  const text = submoduleAddress(holder.text, written);
  const { url, ...place } = addressOf(text);
  const isTrusted = holder.isTrusted && isSameServer(url, holder.address);
  if (url.protocol === 'ssh:' && !isTrusted) {
    throw new AddressError(
      'is on another SSH server than the repository, whose key is not for it: take https:// if it is public, or include a GitRepository of its own with spec.include',
    );
  }
  if (isTrusted && url.protocol !== 'ssh:' && url.username === '') {
    url.username = holder.address.username;
    url.password = holder.address.password;
  }
  return { ...place, text, address: url, isTrusted };
}
