import { addition, enumOf, int, int64, list, mapOf, object, opt, str, time } from './builders.ts';
import { admittedChange, handledRollback, held, planSummary } from './change-policy.ts';
import { conditions, lastHandledReconcileAt, observedGeneration, statusDefault } from './common.ts';
import { inventory, pinnedArtifacts } from './kustomize-common.ts';

const testHooks = mapOf(
  'Helm tests that were run for the release, by name.',
  object('The last run of a test.', {
    lastStarted: opt(time('When the test was last started.')),
    lastCompleted: opt(time('When the test last ended.')),
    phase: opt(str('Phase in which the test was last seen.')),
  }),
);

const snapshot = object('What is known about one release in the Helm storage.', {
  apiVersion: opt(str('Version of the way in which digest is computed.')),
  digest: str('Checksum of the release in the Helm storage, as `<algorithm>:<checksum>`.'),
  name: str('Name of the release.'),
  namespace: str('Namespace into which the release was installed.'),
  version: int('Revision number of the release.'),
  status: str('State of the release, in the words of Helm.'),
  action: opt(str('Action that made this record.')),
  chartName: str('Name of the chart.'),
  chartVersion: str('Version of the chart.'),
  appVersion: opt(str('Version of the application in the chart.')),
  configDigest: str('Checksum of the values of the release, as `<algorithm>:<checksum>`.'),
  firstDeployed: time('When the release was first installed.'),
  lastDeployed: time('When this revision was deployed.'),
  deleted: opt(time('When the release was deleted.')),
  testHooks: opt(testHooks),
  ociDigest: opt(str('Digest of the OCI artifact from which the chart came.')),
  changes: opt(
    str(
      'What the upgrade that made this record has changed: chart, paths of values, objects and their fields.',
      addition,
    ),
  ),
});

const failureCount = (what: string) =>
  int64(`How many ${what} failed for the current desired state; 0 again after a success.`);

/** Schema of the status of a HelmRelease. */
export const helmReleaseStatus = object(
  'What was last observed and released.',
  {
    observedGeneration: opt(observedGeneration()),
    observedPostRenderersDigest: opt(
      str('Checksum of spec.postRenderers in the last successful reconciliation.'),
    ),
    observedCommonMetadataDigest: opt(
      str('Checksum of spec.commonMetadata in the last successful reconciliation.'),
    ),
    conditions: opt(conditions()),
    helmChart: opt(str('The HelmChart that was created for the release, as `<namespace>/<name>`.')),
    storageNamespace: opt(
      str('Namespace that holds the records of the current release.', {
        minLength: 1,
        maxLength: 63,
      }),
    ),
    history: opt(
      list('Releases that were made, newest first, back to the last good one.', snapshot),
    ),
    inventory: opt(inventory({})),
    pinnedArtifacts: opt(pinnedArtifacts()),
    plan: opt(planSummary()),
    held: opt(held()),
    change: opt(admittedChange()),
    rollback: opt(handledRollback()),
    failures: opt(failureCount('reconciliations')),
    installFailures: opt(failureCount('installs')),
    upgradeFailures: opt(failureCount('upgrades')),
    lastAttemptedGeneration: opt(int64('Generation of the object that was last tried.')),
    lastAttemptedRevision: opt(
      str(
        'Revision of the chart that was last tried; for an OCIRepository the version of the chart, a plus sign and the first 12 characters of the digest.',
      ),
    ),
    lastAttemptedRevisionDigest: opt(
      str('Digest of the chart that was last tried; only for an OCIRepository.'),
    ),
    lastAttemptedReleaseAction: opt(
      enumOf('Action that was last tried; it decides which strategy handles a failure.', [
        'install',
        'upgrade',
      ]),
    ),
    lastAttemptedReleaseActionDuration: opt(
      str('How long the last action took, as a Go duration.'),
    ),
    lastAttemptedConfigDigest: opt(str('Checksum of the values that were last tried.')),
    lastAttemptedValuesChecksum: opt(
      str('SHA-1 of the values that were last tried. Deprecated: read lastAttemptedConfigDigest.'),
    ),
    lastReleaseRevision: opt(
      int('Revision number of the last good release. Deprecated: read history.'),
    ),
    lastHandledReconcileAt: opt(lastHandledReconcileAt()),
    lastHandledForceAt: opt(
      str('Value of the annotation `reconcile.fluxcd.io/forceAt` that was last acted upon.'),
    ),
    lastHandledResetAt: opt(
      str('Value of the annotation `reconcile.fluxcd.io/resetAt` that was last acted upon.'),
    ),
  },
  statusDefault,
);
