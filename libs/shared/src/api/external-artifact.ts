import type { Static } from 'typebox';
import { object, opt, str } from './builders.ts';
import { artifact, conditions } from './common.ts';
import {
  ageColumn,
  type KindDefinition,
  type KubeObject,
  objectSchema,
  readyColumns,
} from './kind.ts';
import { sourceKindBase } from './source-common.ts';

const sourceRef = object('The object from which the artifact is made.', {
  apiVersion: opt(str('API version of the object; the preferred one of its group when unset.')),
  kind: str('Kind of the object.'),
  name: str('Name of the object.'),
  namespace: opt(str('Namespace of the object; that of the ExternalArtifact when unset.')),
});

const spec = object('Where the artifact comes from.', { sourceRef: opt(sourceRef) });

const status = object('What the controller outside the core ones produced.', {
  artifact: opt(artifact('The last artifact that was produced.')),
  conditions: opt(conditions()),
});

export type ExternalArtifactSpec = Static<typeof spec>;
export type ExternalArtifactStatus = Static<typeof status>;

/** An artifact made by a controller outside the core ones. */
export interface ExternalArtifact extends KubeObject {
  spec: ExternalArtifactSpec;
  status?: ExternalArtifactStatus;
}

export const externalArtifactKind: KindDefinition<ExternalArtifact> = {
  ...sourceKindBase,
  kind: 'ExternalArtifact',
  plural: 'externalartifacts',
  singular: 'externalartifact',
  shortNames: ['ea'],
  printerColumns: [
    ageColumn,
    ...readyColumns,
    { name: 'Source', type: 'string', jsonPath: '.spec.sourceRef.name' },
  ],
  schema: objectSchema(
    'Offers an artifact made by a controller outside the core ones.',
    spec,
    status,
  ),
};
