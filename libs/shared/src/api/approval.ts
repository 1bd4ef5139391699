import type { Static } from 'typebox';
import { enumOf, object, opt, rules, str } from './builders.ts';
import { changeDigestPattern, deliveryKindBase, targetRef } from './delivery-common.ts';
import { ageColumn, type KindDefinition, type KubeObject, objectSchema } from './kind.ts';

const spec = object(
  'Who says what about which plan. It cannot be changed.',
  {
    targetRef: targetRef(),
    planDigest: str('Digest of the plan, from status.plan of the object.', {
      pattern: changeDigestPattern,
    }),
    user: str(
      'Name of the user who decides, as the API server knows them; an admission policy of the charts demands that it is the one who creates the object.',
      { minLength: 1, maxLength: 1024 },
    ),
    decision: opt(
      enumOf('Whether the plan may be applied (Approve, the default) or not (Reject).', [
        'Approve',
        'Reject',
      ]),
    ),
    reason: opt(str('Why, such as the number of a change request.', { maxLength: 1024 })),
  },
  rules({ rule: 'self == oldSelf', message: 'spec of an Approval cannot be changed' }),
);

export type ApprovalSpec = Static<typeof spec>;

/** The decision of one user about one plan. */
export interface Approval extends KubeObject {
  spec: ApprovalSpec;
}

export const approvalKind: KindDefinition<Approval> = {
  ...deliveryKindBase,
  categories: [...deliveryKindBase.categories],
  kind: 'Approval',
  plural: 'approvals',
  singular: 'approval',
  shortNames: [],
  printerColumns: [
    { name: 'Kind', type: 'string', jsonPath: '.spec.targetRef.kind' },
    { name: 'Target', type: 'string', jsonPath: '.spec.targetRef.name' },
    { name: 'Decision', type: 'string', jsonPath: '.spec.decision' },
    { name: 'User', type: 'string', jsonPath: '.spec.user' },
    { name: 'Reason', type: 'string', jsonPath: '.spec.reason' },
    ageColumn,
  ],
  schema: objectSchema(
    'Says that a plan of a Kustomization or HelmRelease may be applied, or not.',
    spec,
  ),
};
