import type { Static } from 'typebox';
import { bool, enumOf, list, object, opt, str, strMap } from './builders.ts';
import { secretRef, statusDefault } from './common.ts';
import {
  ageColumn,
  type KindDefinition,
  type KubeObject,
  objectSchema,
  readyColumns,
} from './kind.ts';
import {
  certSecretRef,
  latestUrl,
  sourceInterval,
  sourceKindBase,
  sourceStatusFields,
  sourceSuspend,
  sourceTimeout,
} from './source-common.ts';

const accessFrom = object(
  'Namespaces whose objects may refer to this one. Reserved: no controller acts on it.',
  {
    namespaceSelectors: list(
      'Selectors of namespaces; one match suffices.',
      object('A selector of namespaces.', {
        matchLabels: opt(
          strMap(
            'Labels which a namespace has to have; an empty map matches every namespace.',
            'Value of the label named by the key.',
          ),
        ),
      }),
    ),
  },
);

const spec = object('Which Helm repository to follow, and how.', {
  url: str(
    'Address of the repository, over HTTP, HTTPS or, for type oci, as `oci://<host>/<path>`.',
    {
      pattern: '^(http|https|oci)://.*$',
    },
  ),
  type: opt(
    enumOf('Whether the repository has an index file (default) or is a container registry (oci).', [
      'default',
      'oci',
    ]),
  ),
  secretRef: opt(
    secretRef(
      'Secret with the login, as username and password; for type oci also a Secret of type kubernetes.io/dockerconfigjson.',
    ),
  ),
  certSecretRef: opt(certSecretRef('the repository')),
  passCredentials: opt(
    bool(
      'Send the login also to hosts other than that of spec.url when the index lists charts there. An index under foreign control can then collect the login.',
    ),
  ),
  interval: opt(sourceInterval('to check the index')),
  insecure: opt(bool('Allow plain HTTP to a repository of type oci.')),
  timeout: opt(
    sourceTimeout('Limit for fetching the index or, for type oci, a chart; 60s when unset.', {}),
  ),
  suspend: opt(sourceSuspend()),
  accessFrom: opt(accessFrom),
  provider: opt(
    enumOf(
      'Where credentials for type oci come from: Secrets (generic) or the login of a cloud.',
      ['generic', 'aws', 'azure', 'gcp'],
      { default: 'generic' },
    ),
  ),
});

const status = object(
  'What was last observed and produced. Repositories of type oci have none.',
  {
    ...sourceStatusFields('The last index that was fetched.'),
    url: opt(latestUrl()),
  },
  statusDefault,
);

export type HelmRepositorySpec = Static<typeof spec>;
export type HelmRepositoryStatus = Static<typeof status>;

/** A Helm repository, whose index is the artifact. */
export interface HelmRepository extends KubeObject {
  spec: HelmRepositorySpec;
  status?: HelmRepositoryStatus;
}

export const helmRepositoryKind: KindDefinition<HelmRepository> = {
  ...sourceKindBase,
  kind: 'HelmRepository',
  plural: 'helmrepositories',
  singular: 'helmrepository',
  shortNames: ['helmrepo'],
  printerColumns: [
    { name: 'URL', type: 'string', jsonPath: '.spec.url' },
    ageColumn,
    ...readyColumns,
  ],
  schema: objectSchema(
    'Follows the index of a Helm repository, from which HelmCharts are fetched.',
    spec,
    status,
  ),
};
