import type { KubeObject } from '@sluice/shared/api';
import { secretHider } from './api-error.ts';
import { type ApiResource, apiVersionString } from './resource.ts';

/** Media types of requests and answers. */
export const json = 'application/json';
export const partialObject = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
export const partialList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

export const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** JSON is YAML; the server accepts server-side apply under this type alone. */
export const applyType = 'application/apply-patch+yaml';

/** Items of lists come without their type, metadata-only ones with another. */
export function named<T extends KubeObject>(object: T, r: ApiResource): T {
  object.apiVersion = apiVersionString(r);
  object.kind = r.kind;
  return object;
}

/** Hides the values of Secrets in messages about them; nothing for other resources. */
export function hiderFor(r: ApiResource, object: unknown) {
  return r.group === '' && r.plural === 'secrets' ? secretHider(object) : undefined;
}
