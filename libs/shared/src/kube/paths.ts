import { ApiError } from './api-error.ts';
import { type ApiResource, apiVersionString, type ObjectKey } from './resource.ts';

/** A segment must stay one segment on the server; its rule for names is the same. */
function segment(value: string, what: string, resource: ApiResource): string {
  if (value === '' || value === '.' || value === '..' || /[/%]/.test(value)) {
    const stated = value === '' ? 'is missing' : `'${value}' is not valid in a path`;
    throw new ApiError({
      status: 422,
      reason: 'Invalid',
      message: `${what} of the ${resource.kind} ${stated}`,
      verb: 'PATH',
      path: collectionPath(resource),
    });
  }
  return encodeURIComponent(value);
}

/** Returns the path of all objects of a resource, in one namespace or in all. */
export function collectionPath(resource: ApiResource, namespace?: string): string {
  const root = resource.group === '' ? '/api' : '/apis';
  const base = `${root}/${apiVersionString(resource)}`;
  if (!resource.namespaced || namespace === undefined || namespace === '') {
    return `${base}/${resource.plural}`;
  }
  const name = segment(namespace, 'metadata.namespace', resource);
  return `${base}/namespaces/${name}/${resource.plural}`;
}

/**
 * Returns the path under which objects are created.
 *
 * @throws ApiError 422 when a namespaced object has no namespace
 */
export function createPath(resource: ApiResource, namespace?: string): string {
  if (resource.namespaced) segment(namespace ?? '', 'metadata.namespace', resource);
  return collectionPath(resource, namespace);
}

/**
 * Returns the path of one object or of a part of it.
 *
 * @throws ApiError 422 when the name or the needed namespace is missing or would change the path
 */
export function objectPath(resource: ApiResource, key: ObjectKey, subresource?: string): string {
  const name = segment(key.name ?? '', 'metadata.name', resource);
  const path = `${createPath(resource, key.namespace)}/${name}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Appends a query; undefined values are left out. */
export function withQuery(
  path: string,
  query: Record<string, string | number | boolean | undefined>,
): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== '' && value !== false)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  if (pairs.length === 0) return path;
  return `${path}${path.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}
