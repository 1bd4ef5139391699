import type { Static } from 'typebox';
import { bool, enumOf, object, opt, str } from './builders.ts';
import { oidcIdentities, secretRef, statusDefault } from './common.ts';
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
  observedIgnore,
  proxySecretRef,
  sourceIgnore,
  sourceInterval,
  sourceKindBase,
  sourceStatusFields,
  sourceSuspend,
  sourceTimeout,
} from './source-common.ts';

const ref = object(
  'Which version to pull; the tag latest when unset. When several fields are set, digest wins, then semver, then tag.',
  {
    tag: opt(str('Tag to pull.')),
    semver: opt(str('Range of semantic versions; the highest tag inside it is pulled.')),
    semverFilter: opt(
      str('Go regular expression; only tags that match it are considered for semver.'),
    ),
    digest: opt(str('Digest of the manifest to pull, as `sha256:<hex>`.')),
  },
);

function layerSelector(description: string) {
  return object(description, {
    mediaType: opt(str('Media type of the layer; the first layer that has it is taken.')),
    operation: opt(
      enumOf('Whether to unpack the layer (extract, the default) or to store it as it is (copy).', [
        'extract',
        'copy',
      ]),
    ),
  });
}

const verify = object('Require a trusted signature on what is pulled.', {
  provider: enumOf('Signing tool whose signatures are checked.', ['cosign', 'notation'], {
    default: 'cosign',
  }),
  secretRef: opt(
    secretRef(
      'Secret with the trusted public keys, or, for notation, the trust policy and certificates.',
    ),
  ),
  trustedRootSecretRef: opt(
    secretRef(
      'Secret whose key trusted_root.json holds the trust root of a self-hosted Sigstore, used for keyless signatures.',
    ),
  ),
  matchOIDCIdentity: opt(oidcIdentities()),
});

const spec = object('What to pull from which container registry, and how.', {
  url: str('Repository in the registry, as `oci://<host>/<path>`, without tag or digest.', {
    pattern: '^oci://.*$',
  }),
  ref: opt(ref),
  layerSelector: opt(layerSelector('Which layer holds the content; the first one when unset.')),
  provider: opt(
    enumOf(
      'Where credentials come from: Secrets (generic) or the login of a cloud.',
      ['generic', 'aws', 'azure', 'gcp'],
      { default: 'generic' },
    ),
  ),
  secretRef: opt(
    secretRef('Secret of type kubernetes.io/dockerconfigjson with the login for the registry.'),
  ),
  verify: opt(verify),
  serviceAccountName: opt(
    str('ServiceAccount whose image pull secrets, or workload identity, log in to the registry.'),
  ),
  certSecretRef: opt(certSecretRef('the registry')),
  proxySecretRef: opt(proxySecretRef('the registry')),
  interval: sourceInterval('to check the repository'),
  timeout: opt(sourceTimeout('Limit for one registry operation, such as a pull.')),
  ignore: opt(sourceIgnore()),
  insecure: opt(bool('Allow plain HTTP to the registry.')),
  suspend: opt(sourceSuspend()),
});

const status = object(
  'What was last observed and produced.',
  {
    ...sourceStatusFields('The content of the last version that was pulled and verified.'),
    url: opt(latestUrl()),
    observedIgnore: opt(observedIgnore()),
    observedLayerSelector: opt(
      layerSelector('Value of spec.layerSelector with which the current artifact was made.'),
    ),
  },
  statusDefault,
);

export type OCIRepositorySpec = Static<typeof spec>;
export type OCIRepositoryStatus = Static<typeof status>;

/** A tag, version range or digest of an OCI repository as an artifact. */
export interface OCIRepository extends KubeObject {
  spec: OCIRepositorySpec;
  status?: OCIRepositoryStatus;
}

export const ociRepositoryKind: KindDefinition<OCIRepository> = {
  ...sourceKindBase,
  kind: 'OCIRepository',
  plural: 'ocirepositories',
  singular: 'ocirepository',
  shortNames: ['ocirepo'],
  printerColumns: [
    { name: 'URL', type: 'string', jsonPath: '.spec.url' },
    ...readyColumns,
    ageColumn,
  ],
  schema: objectSchema(
    'Makes an artifact from content in a container registry and keeps it up to date.',
    spec,
    status,
  ),
};
