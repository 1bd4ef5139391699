import type { Static } from 'typebox';
import { int64, object, opt, str } from './builders.ts';
import { changeDigestPattern, deliveryKindBase, targetRef } from './delivery-common.ts';
import { ageColumn, type KindDefinition, type KubeObject, objectSchema } from './kind.ts';

const spec = object('The objects of a change that was applied.', {
  targetRef: targetRef(),
  digest: str('Digest of the change, as in status.change of the object.', {
    pattern: changeDigestPattern,
  }),
  revision: str('Revision of the source that it came from.'),
  contentDigest: str('Digest of the content, by which the status of the object knows it.', {
    pattern: changeDigestPattern,
  }),
  objects: int64('How many objects the content has.'),
  leftOut: opt(
    int64(
      'How many objects there were besides, of which only the names are kept: Secrets, and what holds a text that was encrypted or comes from a Secret.',
    ),
  ),
  content: str(
    'The objects, and the names of those that are left out, as JSON in gzip, in Base64.',
    {
      maxLength: 1_048_576,
    },
  ),
});

export type SnapshotSpec = Static<typeof spec>;

/** What a Kustomization has applied, kept so that it can be applied again. */
export interface Snapshot extends KubeObject {
  spec: SnapshotSpec;
}

export const snapshotKind: KindDefinition<Snapshot> = {
  ...deliveryKindBase,
  categories: [...deliveryKindBase.categories],
  kind: 'Snapshot',
  plural: 'snapshots',
  singular: 'snapshot',
  shortNames: [],
  printerColumns: [
    { name: 'Target', type: 'string', jsonPath: '.spec.targetRef.name' },
    { name: 'Revision', type: 'string', jsonPath: '.spec.revision' },
    { name: 'Objects', type: 'integer', jsonPath: '.spec.objects' },
    ageColumn,
  ],
  schema: objectSchema(
    'Keeps what was applied last, or was healthy last, so that it can be applied again; the controllers write it.',
    spec,
  ),
};
