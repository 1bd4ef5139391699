import type { Endpoint } from './adapter.ts';
import { UnusableProviderError } from './delivery-error.ts';

/** A Git repository that an address names. */
export interface Repository {
  origin: string;
  host: string;
  /** Path without the slash before it and `.git` behind it. */
  path: string;
  /** The parts of the path, encoded for a URL. */
  parts: string[];
}

/** Reads the repository of a checked address. */
export function repositoryOf({ address }: Endpoint): Repository {
  const { origin, host, pathname } = new URL(address);
  const path = decodeURIComponent(pathname)
    .replace(/^\/+/, '')
    .replace(/\.git$/, '');
  return { origin, host, path, parts: path.split('/').map(encodeURIComponent) };
}

/**
 * Owner and name of the repository of an address.
 *
 * @throws UnusableProviderError when its path has other parts
 */
export function ownedRepositoryOf(endpoint: Endpoint): Repository & { owned: string } {
  const repository = repositoryOf(endpoint);
  const { parts } = repository;
  if (parts.length !== 2 || parts.includes('')) {
    throw new UnusableProviderError(
      'spec.address names no repository: write https://host/owner/name',
    );
  }
  return { ...repository, owned: parts.join('/') };
}
