import type { Static } from 'typebox';
import { addition, enumOf, list, object, opt, rules, str, strList, strMap } from './builders.ts';
import { conditions, lastHandledReconcileAt, observedGeneration } from './common.ts';
import {
  ageColumn,
  type KindDefinition,
  type KubeObject,
  objectSchema,
  readyColumns,
} from './kind.ts';
import { sourceExtensionsGroup } from './names.ts';
import { sourceCategories } from './source-common.ts';

const source = object('A source whose files can be copied.', {
  alias: str('Name by which the other fields refer to the source; each only once.', {
    pattern: '^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$',
    maxLength: 63,
  }),
  name: str('Name of the source.', { pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$', maxLength: 253 }),
  namespace: opt(
    str('Namespace of the source; that of the ArtifactGenerator when unset.', {
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      minLength: 1,
      maxLength: 63,
    }),
  ),
  kind: enumOf('Kind of the source.', [
    'Bucket',
    'GitRepository',
    'OCIRepository',
    'HelmChart',
    'ExternalArtifact',
  ]),
});

const copy = object('Files to copy, and where to.', {
  from: str(
    'Files of a source, as `@<alias>/<path>`: a file, a directory, or a pattern in which `*` stands for any part of a name; `<directory>/**` is everything in a directory. Captures of spec.pathPattern such as `{app}` are replaced.',
    { pattern: '^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)/(.*)$', minLength: 1, maxLength: 1024 },
  ),
  to: str(
    'Path in the artifact, as `@artifact/<path>`; a slash at the end makes it a directory. Captures of spec.pathPattern are replaced.',
    { pattern: '^@(artifact)/(.*)$', minLength: 1, maxLength: 1024 },
  ),
  exclude: opt(
    strList(
      'Patterns of files and directories to leave out.',
      'Pattern that is compared with the path in the source, with the path below the part of `from` that has no pattern and, when it has no slash, with the name alone; `**` stands for any number of directories.',
      { maxItems: 100 },
    ),
  ),
  strategy: opt(
    enumOf(
      'What happens to files: Overwrite, the default, replaces what is there; Merge merges YAML files as Helm does with values; Extract unpacks archives (.tar.gz, .tgz).',
      ['Overwrite', 'Merge', 'Extract'],
    ),
  ),
});

const aliasOptions = { pattern: '^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)$', maxLength: 64 };

const outputArtifact = object('An ExternalArtifact to make.', {
  name: str('Name of the ExternalArtifact. Captures of spec.pathPattern are replaced.', {
    minLength: 1,
    maxLength: 253,
  }),
  revision: opt(
    str(
      'Source, as `@<alias>`, whose revision the artifact has; when unset, its revision is made of its own digest.',
      aliasOptions,
    ),
  ),
  originRevision: opt(
    str(
      'Source, as `@<alias>`, whose origin revision, or else revision, is kept in the metadata of the artifact under `org.opencontainers.image.revision`.',
      aliasOptions,
    ),
  ),
  copy: list('What is copied, in this order; what comes later replaces what is there.', copy, {
    minItems: 1,
  }),
});

const commonMetadata = object('Labels and annotations for all ExternalArtifacts that are made.', {
  annotations: opt(
    strMap(
      'Annotations to set on each ExternalArtifact.',
      'Value of the annotation named by the key.',
    ),
  ),
  labels: opt(
    strMap('Labels to set on each ExternalArtifact.', 'Value of the label named by the key.'),
  ),
});

const objectName = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';

const spec = object(
  'From which sources to make which artifacts.',
  {
    commonMetadata: opt(commonMetadata),
    sources: list('Sources to copy from.', source, { minItems: 1, maxItems: 1000 }),
    pathPattern: opt(
      str(
        'Directories of a source, as `@<alias>/<path>` in which `{name}` stands for one part of the path; spec.artifacts is made once for each directory that matches.',
        { pattern: '^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)/(.*)$', maxLength: 1024 },
      ),
    ),
    artifacts: list('Artifacts to make.', outputArtifact, { minItems: 1, maxItems: 1000 }),
  },
  rules({
    rule: `has(self.pathPattern) && size(self.pathPattern) > 0 || self.artifacts.all(a, a.name.matches('${objectName}'))`,
    message: 'without spec.pathPattern, spec.artifacts[].name has to be the name of an object',
  }),
);

const status = object('What was last observed and made.', {
  observedGeneration: opt({ ...observedGeneration(), ...addition }),
  conditions: opt(conditions()),
  inventory: opt(
    list(
      'ExternalArtifacts that were made.',
      object('An ExternalArtifact.', {
        name: str('Name of the ExternalArtifact.'),
        namespace: str('Namespace of the ExternalArtifact.'),
        digest: str('Digest of its artifact.'),
        filename: str('Name of the file that holds its artifact.'),
      }),
    ),
  ),
  lastHandledReconcileAt: opt(lastHandledReconcileAt()),
  observedSourcesDigest: opt(
    str('Digest of the artifacts of all sources from which the inventory was made.'),
  ),
});

export type ArtifactGeneratorSpec = Static<typeof spec>;
export type ArtifactGeneratorStatus = Static<typeof status>;

/** Makes artifacts of files from one or more sources. */
export interface ArtifactGenerator extends KubeObject {
  spec: ArtifactGeneratorSpec;
  status?: ArtifactGeneratorStatus;
}

export const artifactGeneratorKind: KindDefinition<ArtifactGenerator> = {
  group: sourceExtensionsGroup,
  version: 'v1beta1',
  kind: 'ArtifactGenerator',
  plural: 'artifactgenerators',
  singular: 'artifactgenerator',
  shortNames: ['ag'],
  categories: sourceCategories,
  namespaced: true,
  hasStatus: true,
  printerColumns: [ageColumn, ...readyColumns],
  schema: objectSchema(
    'Makes ExternalArtifacts of files from one or more sources: composes several, or splits one.',
    spec,
    status,
  ),
};
