import type { Static } from 'typebox';
import {
  addition,
  bool,
  duration,
  enumOf,
  int64,
  list,
  object,
  opt,
  str,
  strList,
  strMap,
  time,
} from './builders.ts';
import {
  admittedChange,
  changePolicy,
  handledRollback,
  held,
  planSummary,
} from './change-policy.ts';
import {
  conditions,
  ignoreRules,
  lastHandledReconcileAt,
  observedGeneration,
  secretRef,
  statusDefault,
} from './common.ts';
import {
  ageColumn,
  type KindDefinition,
  type KubeObject,
  objectSchema,
  readyColumns,
} from './kind.ts';
import {
  applierSuspend,
  commonMetadata,
  dependsOn,
  driftMode,
  healthCheckExprs,
  images,
  inventory,
  kubeConfig,
  patches,
  pinnedArtifacts,
} from './kustomize-common.ts';
import { kustomizeGroup } from './names.ts';

const decryption = object('How to decrypt Secrets and files before they are applied.', {
  provider: enumOf('Tool that encrypted them.', ['sops']),
  serviceAccountName: opt(
    str(
      'ServiceAccount whose workload identity logs in to cloud key services, unless the Secret has a login for them.',
    ),
  ),
  secretRef: opt(secretRef('Secret with private keys (OpenPGP, age) and logins for key services.')),
});

const postBuild = object('Substitution of variables in the built objects.', {
  substitute: opt(
    strMap(
      'Variables to substitute where the objects refer to them in the way of bash, whose defaults and substring functions work too.',
      'Value of the variable named by the key.',
    ),
  ),
  substituteFrom: opt(
    list(
      'Secrets and ConfigMaps whose entries are variables; later ones win, and those of substitute win over all.',
      object('A Secret or ConfigMap with variables.', {
        kind: enumOf('Kind of the object.', ['Secret', 'ConfigMap']),
        name: str('Name of the object.', { minLength: 1, maxLength: 253 }),
        optional: opt(bool('Go on without the object when it does not exist.', { default: false })),
      }),
    ),
  ),
  substituteStrategy: opt(
    enumOf(
      'Whether to substitute only when at least one variable is given (WithVariables, the default) or in any case (Always).',
      ['WithVariables', 'Always'],
    ),
  ),
});

const sourceRef = object('The source whose artifact holds the files.', {
  apiVersion: opt(str('API version of the source.')),
  kind: enumOf('Kind of the source.', [
    'OCIRepository',
    'GitRepository',
    'Bucket',
    'ExternalArtifact',
  ]),
  name: str('Name of the source.'),
  namespace: opt(str('Namespace of the source; that of the Kustomization when unset.')),
});

const healthChecks = list(
  'Objects whose health decides about readiness.',
  object('An object to check.', {
    apiVersion: opt(str('API version of the object.')),
    kind: str('Kind of the object.'),
    name: str('Name of the object.'),
    namespace: opt(str('Namespace of the object.')),
  }),
);

const driftDetection = object(
  'What to do when a managed object is changed or deleted by someone else between two reconciliations.',
  {
    mode: opt(
      driftMode(
        'Correct the change (enabled, the default of the controller), only report it (warn), or leave it to the next reconciliation (disabled).',
      ),
    ),
    ignore: opt(ignoreRules('Changes which are neither reported nor corrected as drift.')),
  },
  addition,
);

const buildFields = {
  path: opt(
    str(
      'Directory in the artifact with a kustomization file, or with plain manifests for which one is generated; the root when unset.',
    ),
  ),
  components: opt(
    strList(
      'Kustomize components to add to the build.',
      'Path of a component, relative to spec.path.',
    ),
  ),
  ignoreMissingComponents: opt(bool('Leave out components that do not exist instead of failing.')),
  decryption: opt(decryption),
  postBuild: opt(postBuild),
  patches: opt(patches()),
  images: opt(images()),
  commonMetadata: opt(commonMetadata()),
  namePrefix: opt(
    str('Text to put before the name of every object.', { minLength: 1, maxLength: 200 }),
  ),
  nameSuffix: opt(
    str('Text to put after the name of every object.', { minLength: 1, maxLength: 200 }),
  ),
  targetNamespace: opt(
    str('Namespace to set on every namespaced object.', { minLength: 1, maxLength: 63 }),
  ),
  buildMetadata: opt(
    list(
      'Annotations by which the build tells where objects come from.',
      enumOf(
        'Either the file an object comes from (originAnnotations) or the transformers that changed it (transformerAnnotations).',
        ['originAnnotations', 'transformerAnnotations'],
      ),
    ),
  ),
};

const applyFields = {
  prune: bool('Delete objects that are managed but no longer part of the build.'),
  deletionPolicy: opt(
    enumOf(
      'What becomes of the managed objects when the Kustomization is deleted: as spec.prune says (MirrorPrune, the default), deleted (Delete), deleted and awaited (WaitForTermination), or left (Orphan).',
      ['MirrorPrune', 'Delete', 'WaitForTermination', 'Orphan'],
    ),
  ),
  force: opt(
    bool('Delete and create anew objects of which an immutable field changes.', { default: false }),
  ),
  ignore: opt(ignoreRules('Fields of managed objects which are neither compared nor applied.')),
  driftDetection: opt(driftDetection),
  healthChecks: opt(healthChecks),
  healthCheckExprs: opt(
    healthCheckExprs(
      'How to read the health of custom resources; used when wait or healthChecks is set.',
    ),
  ),
  wait: opt(
    bool('Be ready only when all applied objects are healthy; healthChecks is then not used.'),
  ),
  kubeConfig: opt(kubeConfig()),
  serviceAccountName: opt(
    str('ServiceAccount of the same namespace as which the objects are applied.'),
  ),
};

const spec = object('What to build from which source, and how to apply it.', {
  sourceRef,
  interval: duration(
    'How often to reconcile even when nothing is known to have changed; each wait is varied a little to spread the load.',
  ),
  retryInterval: opt(
    duration(
      'How long to wait after a failure; when unset, spec.interval after failed health checks, and growing delays after others.',
    ),
  ),
  timeout: opt(
    duration(
      'Limit for building and applying, and for waiting for health; spec.interval when unset.',
    ),
  ),
  suspend: opt(applierSuspend()),
  dependsOn: opt(dependsOn('Kustomization')),
  changePolicy: opt(changePolicy()),
  ...buildFields,
  ...applyFields,
});

const jobDigest = str(
  'Checksum of a Job with `ttlSecondsAfterFinished` as it was applied; one that has removed itself is not run again until it changes.',
  addition,
);

const history = list(
  'The last results, newest first, one for each content and outcome.',
  object('One result.', {
    digest: str('Checksum of the objects that were built, as `<algorithm>:<hex>`.'),
    firstReconciled: time('When this content first had this outcome.'),
    lastReconciled: time('When this content last had this outcome.'),
    lastReconciledDuration: str(
      'How long the last of these reconciliations took, as a Go duration.',
    ),
    lastReconciledStatus: str('Outcome: the reason of the Ready condition.'),
    totalReconciliations: int64('How often this content had this outcome.'),
    metadata: opt(
      strMap(
        'More about the content, such as revision and originRevision.',
        'Value of the fact named by the key.',
      ),
    ),
  }),
);

const status = object(
  'What was last observed and applied.',
  {
    observedGeneration: opt(observedGeneration()),
    conditions: opt(conditions()),
    lastHandledReconcileAt: opt(lastHandledReconcileAt()),
    lastAppliedRevision: opt(str('Revision of the artifact that was last applied with success.')),
    lastAppliedOriginRevision: opt(
      str(
        'Revision from which the last applied artifact was made upstream, such as the Git commit behind an OCI artifact.',
      ),
    ),
    lastAttemptedRevision: opt(str('Revision of the artifact that was last tried.')),
    inventory: opt(inventory({ digest: opt(jobDigest) })),
    history: opt(history),
    pinnedArtifacts: opt(pinnedArtifacts()),
    plan: opt(planSummary()),
    held: opt(held()),
    change: opt(admittedChange()),
    rollback: opt(handledRollback()),
  },
  statusDefault,
);

export type KustomizationSpec = Static<typeof spec>;
export type KustomizationStatus = Static<typeof status>;

/** A directory of manifests that is built with kustomize and kept applied. */
export interface Kustomization extends KubeObject {
  spec: KustomizationSpec;
  status?: KustomizationStatus;
}

export const kustomizationKind: KindDefinition<Kustomization> = {
  group: kustomizeGroup,
  version: 'v1',
  kind: 'Kustomization',
  plural: 'kustomizations',
  singular: 'kustomization',
  shortNames: ['ks'],
  categories: ['all', 'fluxcd', 'fluxcd-appliers'],
  namespaced: true,
  hasStatus: true,
  printerColumns: [ageColumn, ...readyColumns],
  schema: objectSchema(
    'Builds manifests from a source with kustomize and keeps them applied.',
    spec,
    status,
  ),
};
