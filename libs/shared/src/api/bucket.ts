import type { Static } from 'typebox';
import { bool, enumOf, object, opt, rules, str } from './builders.ts';
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
  observedIgnore,
  proxySecretRef,
  sourceIgnore,
  sourceInterval,
  sourceKindBase,
  sourceStatusFields,
  sourceSuspend,
  sourceTimeout,
} from './source-common.ts';

const sts = object('Security token service that hands out temporary credentials for the bucket.', {
  provider: enumOf(
    'Protocol of the service: aws for the provider aws, ldap for the provider generic.',
    ['aws', 'ldap'],
  ),
  endpoint: str('HTTP or HTTPS address of the service.', { pattern: '^(http|https)://.*$' }),
  secretRef: opt(secretRef('Secret with username and password for the service; only for ldap.')),
  certSecretRef: opt(certSecretRef('the service (only for ldap)')),
});

const crossFieldRules = rules(
  {
    rule: "!has(self.sts) || self.provider in ['aws', 'generic']",
    message: "spec.sts needs spec.provider to be 'aws' or 'generic'",
  },
  {
    rule: "!has(self.sts) || self.provider != 'aws' || self.sts.provider == 'aws'",
    message: "spec.sts.provider has to be 'aws' when spec.provider is 'aws'",
  },
  {
    rule: "!has(self.sts) || self.provider != 'generic' || self.sts.provider == 'ldap'",
    message: "spec.sts.provider has to be 'ldap' when spec.provider is 'generic'",
  },
  {
    rule: "!has(self.sts) || !has(self.sts.secretRef) || self.sts.provider != 'aws'",
    message: "spec.sts.secretRef is not used by the STS provider 'aws': remove it",
  },
  {
    rule: "!has(self.sts) || !has(self.sts.certSecretRef) || self.sts.provider != 'aws'",
    message: "spec.sts.certSecretRef is not used by the STS provider 'aws': remove it",
  },
  {
    rule: "!has(self.serviceAccountName) || self.provider != 'generic'",
    message: "spec.serviceAccountName is not supported when spec.provider is 'generic'",
  },
  {
    rule: '!(has(self.secretRef) && has(self.serviceAccountName))',
    message: 'set either spec.secretRef or spec.serviceAccountName, not both',
  },
);

const spec = object(
  'Which bucket to follow, and how.',
  {
    provider: opt(
      enumOf(
        'Type of the object storage; generic is anything compatible with S3.',
        ['generic', 'aws', 'gcp', 'azure'],
        { default: 'generic' },
      ),
    ),
    bucketName: str('Name of the bucket.'),
    endpoint: str('Host, with an optional port, of the object storage.'),
    sts: opt(sts),
    insecure: opt(bool('Allow plain HTTP to the endpoint.')),
    region: opt(str('Region of the bucket.')),
    prefix: opt(str('Only objects whose key starts with this prefix are fetched.')),
    secretRef: opt(
      secretRef(
        'Secret with the credentials; which keys it needs depends on the provider, for generic and aws accesskey and secretkey.',
      ),
    ),
    serviceAccountName: opt(
      str('ServiceAccount whose workload identity logs in; not for the provider generic.'),
    ),
    certSecretRef: opt(certSecretRef('the endpoint')),
    proxySecretRef: opt(proxySecretRef('the endpoint')),
    interval: sourceInterval('to check the bucket'),
    timeout: opt(sourceTimeout('Limit for fetching.')),
    ignore: opt(sourceIgnore()),
    suspend: opt(sourceSuspend()),
  },
  crossFieldRules,
);

const status = object(
  'What was last observed and produced.',
  {
    ...sourceStatusFields('The last content of the bucket that was fetched.'),
    url: opt(latestUrl()),
    observedIgnore: opt(observedIgnore()),
  },
  statusDefault,
);

export type BucketSpec = Static<typeof spec>;
export type BucketStatus = Static<typeof status>;

/** The objects of an object storage bucket as an artifact. */
export interface Bucket extends KubeObject {
  spec: BucketSpec;
  status?: BucketStatus;
}

export const bucketKind: KindDefinition<Bucket> = {
  ...sourceKindBase,
  kind: 'Bucket',
  plural: 'buckets',
  singular: 'bucket',
  shortNames: [],
  printerColumns: [
    { name: 'Endpoint', type: 'string', jsonPath: '.spec.endpoint' },
    ageColumn,
    ...readyColumns,
  ],
  schema: objectSchema(
    'Makes an artifact from an object storage bucket and keeps it up to date.',
    spec,
    status,
  ),
};
