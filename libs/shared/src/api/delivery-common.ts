import { enumOf, object, str } from './builders.ts';
import { deliveryGroup } from './names.ts';

/** Form of digests of plans and changes. */
export const changeDigestPattern = '^sha256:[0-9a-f]{64}$';

/** A reference to a Kustomization or HelmRelease of the same namespace. */
export function targetRef() {
  return object('The object of the same namespace that it is about.', {
    kind: enumOf('Kind of the object.', ['Kustomization', 'HelmRelease']),
    name: str('Name of the object.', { minLength: 1, maxLength: 253 }),
  });
}

/** The part of a definition that the kinds of change control share. */
export const deliveryKindBase = {
  group: deliveryGroup,
  version: 'v1alpha1',
  categories: ['sluice'],
  namespaced: true,
  hasStatus: false,
} as const;
