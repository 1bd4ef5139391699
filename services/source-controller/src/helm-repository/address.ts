import { redactUrl, StalledError } from '@sluice/shared/base';
import { urlInvalidReason } from '../source/names.ts';

/** Scheme of repositories in container registries. */
export const ociScheme = 'oci://';

/**
 * Parses the address of a repository that has an index. It ends in a slash, so that what is relative to it stays
 * below it.
 *
 * @param text as in `spec.url`, or as a chart's dependency names it
 * @param field for the message
 * @throws StalledError `URLInvalid` when it is none
 */
export function parseRepositoryAddress(text: string, field: string): URL {
  if (text.startsWith(ociScheme)) {
    throw new StalledError(
      urlInvalidReason,
      `${field} '${redactUrl(text)}': oci:// addresses need a HelmRepository with spec.type 'oci'`,
    );
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === '' || !['http:', 'https:'].includes(url.protocol)) {
    const shown = url === null ? '' : ` '${redactUrl(text)}'`;
    throw new StalledError(
      urlInvalidReason,
      `${field}${shown} is not a valid Helm repository address: it must look like https://<host>/<path>`,
    );
  }
  url.hash = '';
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/`;
  return url;
}

/** Returns the address in one form, for comparison; undefined when it is none. */
export function comparableAddress(text: string): string | undefined {
  if (text.startsWith(ociScheme)) return text.replace(/\/+$/, '');
  const url = URL.parse(text);
  if (url === null) return undefined;
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/`;
  return url.href;
}

/** Returns the address of a repository's index. */
export function indexAddress(repository: URL): URL {
  const url = new URL('index.yaml', repository);
  url.search = repository.search;
  return url;
}

/**
 * Returns the address of a chart that an index lists. A query of the repository's address, which may hold a token,
 * goes along to the same host only.
 *
 * @returns undefined when it cannot be used
 */
export function chartAddress(repository: URL, reference: string): URL | undefined {
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(reference);
  const url = URL.parse(reference, repository.href);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  const own = url.origin === repository.origin;
  if (!isAbsolute && own && url.search === '') url.search = repository.search;
  return url;
}
