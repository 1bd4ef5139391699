import type { Static } from 'typebox';
import { anyJson, enumOf, int64, list, object, opt, str } from './builders.ts';
import { changeDigestPattern, deliveryKindBase, targetRef } from './delivery-common.ts';
import { ageColumn, type KindDefinition, type KubeObject, objectSchema } from './kind.ts';

const change = object('One field.', {
  path: str('Where it is, such as .spec.template.spec.containers[0].image.'),
  before: opt(anyJson('What it holds; unset when it is not there. Values of Secrets are masked.')),
  after: opt(anyJson('What it will hold; unset when it will be gone.')),
});

const plannedObject = object('What becomes of one object.', {
  action: enumOf('What is done with it; a Hook runs while a release is made.', [
    'Create',
    'Change',
    'Recreate',
    'Delete',
    'Hook',
  ]),
  apiVersion: str('API version of the object.'),
  kind: str('Kind of the object.'),
  namespace: opt(str('Namespace of the object, if it has one.')),
  name: str('Name of the object.'),
  changes: opt(list('Fields that change.', change)),
  note: opt(str('What else there is to know, such as why it cannot be compared.')),
});

const spec = object('What would be applied.', {
  targetRef: targetRef(),
  digest: str('Digest of the plan, by which an Approval names it.', {
    pattern: changeDigestPattern,
  }),
  revision: str('Revision of the source that it applies.'),
  create: int64('How many objects it creates.'),
  change: int64('How many objects it changes.'),
  delete: int64('How many objects it deletes.'),
  objects: list('The objects, deletions first.', plannedObject),
  omitted: opt(
    int64('How many objects there was no room for; the digest counts them all the same.'),
  ),
});

export type PlanSpec = Static<typeof spec>;
export type PlannedObject = Static<typeof plannedObject>;
export type PlannedChange = Static<typeof change>;

/** What a Kustomization or HelmRelease would change in the cluster. */
export interface Plan extends KubeObject {
  spec: PlanSpec;
}

export const planKind: KindDefinition<Plan> = {
  ...deliveryKindBase,
  categories: [...deliveryKindBase.categories],
  kind: 'Plan',
  plural: 'plans',
  singular: 'plan',
  shortNames: [],
  printerColumns: [
    { name: 'Kind', type: 'string', jsonPath: '.spec.targetRef.kind' },
    { name: 'Target', type: 'string', jsonPath: '.spec.targetRef.name' },
    { name: 'Revision', type: 'string', jsonPath: '.spec.revision' },
    { name: 'Create', type: 'integer', jsonPath: '.spec.create' },
    { name: 'Change', type: 'integer', jsonPath: '.spec.change' },
    { name: 'Delete', type: 'integer', jsonPath: '.spec.delete' },
    ageColumn,
  ],
  schema: objectSchema('Says what would change in the cluster; the controllers write it.', spec),
};
