/** A repository in a registry. */
export interface RepositoryAddress {
  /** Host and port as the user wrote them; the name under which credentials are kept. */
  host: string;
  /** Base address of the registry's API, without a path. */
  base: URL;
  /** Path of the repository inside the registry. */
  repository: string;
}

/** An address that cannot be used; the message says why. */
export class AddressError extends Error {
  override name = 'AddressError';
}

const scheme = 'oci://';
const hostPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*\.?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const pathPattern =
  /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Docker Hub's API has another host than its images' names. */
const dockerHub = { names: ['docker.io', 'index.docker.io'], api: 'registry-1.docker.io' };

/**
 * Parses `oci://<host>/<path>`.
 *
 * @param insecure whether to use plain HTTP
 * @throws AddressError when it is none, or holds a tag or a digest
 */
export function parseRepositoryUrl(url: string, insecure: boolean): RepositoryAddress {
  if (!url.startsWith(scheme)) {
    throw new AddressError(`must be in the format oci://<host>/<path>, got '${url}'`);
  }
  const rest = url.slice(scheme.length);
  const slash = rest.indexOf('/');
  const host = slash < 0 ? rest : rest.slice(0, slash);
  let repository = slash < 0 ? '' : rest.slice(slash + 1).replace(/\/+$/, '');
  if (!hostPattern.test(host)) throw new AddressError(`has no valid host: '${url}'`);
  const suffix = /[:@].*$/.exec(repository)?.[0];
  if (suffix !== undefined) {
    throw new AddressError(`must not hold a tag or digest; move '${suffix}' to spec.ref`);
  }
  if (!pathPattern.test(repository)) {
    throw new AddressError(`has no valid repository after the host: '${url}'`);
  }
  let api = host;
  if (dockerHub.names.includes(host)) {
    api = dockerHub.api;
    if (!repository.includes('/')) repository = `library/${repository}`;
  }
  return { host, base: new URL(`${insecure ? 'http' : 'https'}://${api}`), repository };
}

/** Tells whether a text is a valid tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}
