import type { Static } from 'typebox';
import { bool, enumOf, list, object, opt, rules, str, strList } from './builders.ts';
import { artifact, localRef, secretRef, statusDefault } from './common.ts';
import {
  ageColumn,
  type KindDefinition,
  type KubeObject,
  objectSchema,
  readyColumns,
} from './kind.ts';
import {
  observedIgnore,
  proxySecretRef,
  sourceIgnore,
  sourceInterval,
  sourceKindBase,
  sourceStatusFields,
  sourceSuspend,
  sourceTimeout,
} from './source-common.ts';

const include = object('Another GitRepository whose files are copied into this artifact.', {
  repository: localRef('The GitRepository to copy from.', 'Name of the GitRepository.'),
  fromPath: opt(str('Directory to copy in the other artifact; its root when unset.')),
  toPath: opt(str('Directory to copy to; when unset, one named like the other GitRepository.')),
});

const ref = object(
  'Which Git reference to follow; the branch master when unset. When several fields are set, commit wins, then name, semver, tag and branch.',
  {
    branch: opt(str('Branch to follow.')),
    tag: opt(str('Tag to use.')),
    semver: opt(str('Range of semantic versions; the highest tag inside it is used.')),
    name: opt(
      str(
        'Full name of any reference, such as refs/heads/main, refs/tags/v1.0.0 or refs/pull/1/head.',
      ),
    ),
    commit: opt(
      str('Hash of the commit to use; with a branch, the commit is looked for in that branch.'),
    ),
  },
);

const verify = object('Require a trusted signature on what is fetched.', {
  mode: opt(
    enumOf(
      'What has to be signed: the commit (HEAD, or head as older manifests spell it), the tag (Tag), or both (TagAndHEAD).',
      ['head', 'HEAD', 'Tag', 'TagAndHEAD'],
      { default: 'HEAD' },
    ),
  ),
  secretRef: secretRef(
    'Secret with the public keys of trusted signers: OpenPGP keys under names ending in .asc, SSH keys under names ending in .sshpub.',
  ),
});

const spec = object(
  'What to fetch from which Git server, and how.',
  {
    url: str('Address of the repository, over HTTP, HTTPS or SSH.', {
      pattern: '^(http|https|ssh)://.*$',
    }),
    secretRef: opt(
      secretRef(
        'Secret with the credentials: username and password, or bearerToken, for HTTP(S); identity and known_hosts for SSH.',
      ),
    ),
    provider: opt(
      enumOf(
        'Where credentials come from: a Secret (generic, the default) or a cloud or GitHub App login.',
        ['generic', 'aws', 'azure', 'github'],
      ),
    ),
    serviceAccountName: opt(
      str('ServiceAccount whose workload identity logs in; only for the providers aws and azure.'),
    ),
    interval: sourceInterval('to check the repository'),
    timeout: opt(sourceTimeout('Limit for one Git operation, such as a fetch.')),
    ref: opt(ref),
    verify: opt(verify),
    proxySecretRef: opt(proxySecretRef('the Git server')),
    ignore: opt(sourceIgnore()),
    suspend: opt(sourceSuspend()),
    recurseSubmodules: opt(
      bool(
        'Also fetch the submodules, with their default settings. Credentials go to those on the server of url only.',
      ),
    ),
    include: opt(list('Other GitRepositories to copy files from.', include)),
    sparseCheckout: opt(
      strList(
        'Directories to take into the artifact; everything when unset.',
        'Path of a directory, relative to the root of the repository.',
      ),
    ),
  },
  rules({
    rule: "!has(self.serviceAccountName) || (has(self.provider) && self.provider in ['aws', 'azure'])",
    message: "spec.serviceAccountName needs spec.provider to be 'aws' or 'azure'",
  }),
);

const status = object(
  'What was last observed and produced.',
  {
    ...sourceStatusFields('The files of the last revision that was fetched and verified.'),
    includedArtifacts: opt(
      list(
        'Artifacts that were copied in, in the order of spec.include.',
        artifact('An artifact that was copied in.'),
      ),
    ),
    observedIgnore: opt(observedIgnore()),
    observedRecurseSubmodules: opt(
      bool('Value of spec.recurseSubmodules with which the current artifact was made.'),
    ),
    observedInclude: opt(
      list('Value of spec.include with which the current artifact was made.', include),
    ),
    observedSparseCheckout: opt(
      strList(
        'Value of spec.sparseCheckout with which the current artifact was made.',
        'Path of a directory.',
      ),
    ),
    sourceVerificationMode: opt(
      str('Value of spec.verify.mode under which the current artifact was verified.'),
    ),
  },
  statusDefault,
);

export type GitRepositorySpec = Static<typeof spec>;
export type GitRepositoryStatus = Static<typeof status>;

/** A branch, tag, commit or other reference of a Git repository as an artifact. */
export interface GitRepository extends KubeObject {
  spec: GitRepositorySpec;
  status?: GitRepositoryStatus;
}

export const gitRepositoryKind: KindDefinition<GitRepository> = {
  ...sourceKindBase,
  kind: 'GitRepository',
  plural: 'gitrepositories',
  singular: 'gitrepository',
  shortNames: ['gitrepo'],
  printerColumns: [
    { name: 'URL', type: 'string', jsonPath: '.spec.url' },
    ageColumn,
    ...readyColumns,
  ],
  schema: objectSchema(
    'Makes an artifact from a Git repository and keeps it up to date.',
    spec,
    status,
  ),
};
