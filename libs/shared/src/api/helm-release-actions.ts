import { bool, duration, enumOf, int, list, object, opt, rules, str } from './builders.ts';

function timeout(action: string) {
  return opt(
    duration(`Limit for one operation of the ${action}, such as a hook; spec.timeout when unset.`),
  );
}

const disableHooks = (action: string) => opt(bool(`Do not run hooks during the ${action}.`));
const disableWait = (action: string) =>
  opt(bool(`Do not wait for objects to become ready after the ${action}.`));
const disableWaitForJobs = (action: string) =>
  opt(bool(`Do not wait for Jobs to complete after the ${action}.`));
const disableOpenAPIValidation = (action: string) =>
  opt(
    bool(
      `Do not check rendered objects against the OpenAPI schema of the cluster before the ${action}.`,
    ),
  );
const disableSchemaValidation = (action: string) =>
  opt(bool(`Do not check the values against the JSON Schema of the chart before the ${action}.`));
const disableTakeOwnership = (action: string) =>
  opt(
    bool(
      `Fail the ${action} on objects that exist without belonging to the release, instead of taking them over.`,
    ),
  );
const cleanupOnFail = (action: string) =>
  opt(bool(`Delete objects which a failed ${action} created.`));
const crds = (action: string, fallback: string) =>
  opt(
    enumOf(
      `What the ${action} does with the CRDs of the chart: nothing (Skip), create those that are missing (Create), or also replace those that exist (CreateReplace). ${fallback} when unset.`,
      ['Skip', 'Create', 'CreateReplace'],
    ),
  );
const serverSideApply = (action: string) =>
  opt(
    enumOf(
      `Whether the ${action} uses server-side apply; auto, the default, keeps to what the release used before.`,
      ['enabled', 'disabled', 'auto'],
    ),
  );

function remediation(action: string, undo: string) {
  return {
    retries: opt(
      int(
        `How often to try a failed ${action} again after ${undo}; 0 when unset, negative for ever.`,
      ),
    ),
    ignoreTestFailures: opt(
      bool(
        `Do not count failed Helm tests as a failed ${action}; spec.test.ignoreFailures when unset.`,
      ),
    ),
  };
}

function strategy(action: string) {
  return opt(
    object(
      `What to do about a failed ${action}.`,
      {
        name: enumOf(
          'Undo it as remediation says (RemediateOnFailure, the default), or try again without undoing (RetryOnFailure).',
          ['RemediateOnFailure', 'RetryOnFailure'],
        ),
        retryInterval: opt(
          duration('How long to wait before trying again; only for RetryOnFailure, 5m when unset.'),
        ),
      },
      rules({
        rule: "!has(self.retryInterval) || self.name == 'RetryOnFailure'",
        message: `spec.${action}.strategy.retryInterval needs the name RetryOnFailure`,
      }),
    ),
  );
}

/** `spec.install`. */
export const install = object('How to install the release.', {
  timeout: timeout('install'),
  strategy: strategy('install'),
  remediation: opt(
    object('How to undo a failed install; nothing is done when unset.', {
      ...remediation('install', 'uninstalling'),
      remediateLastFailure: opt(
        bool('Also uninstall after the last failure, when no retries are left.'),
      ),
    }),
  ),
  disableTakeOwnership: disableTakeOwnership('install'),
  disableWait: disableWait('install'),
  disableWaitForJobs: disableWaitForJobs('install'),
  disableHooks: disableHooks('install'),
  disableOpenAPIValidation: disableOpenAPIValidation('install'),
  disableSchemaValidation: disableSchemaValidation('install'),
  replace: opt(
    bool(
      'Use the name of the release again when a deleted release in the history has it. Unsafe in production.',
    ),
  ),
  skipCRDs: opt(bool('Do not install CRDs. Deprecated: set crds to Skip.')),
  crds: crds('install', 'Create'),
  createNamespace: opt(
    bool('Create spec.targetNamespace when it does not exist; uninstalling does not delete it.'),
  ),
  serverSideApply: opt(bool('Use server-side apply; the default.')),
});

/** `spec.upgrade`. */
export const upgrade = object('How to upgrade the release.', {
  timeout: timeout('upgrade'),
  strategy: strategy('upgrade'),
  remediation: opt(
    object('How to undo a failed upgrade; nothing is done when unset.', {
      ...remediation('upgrade', 'undoing it'),
      remediateLastFailure: opt(
        bool(
          'Also undo the last failure, when no retries are left; true when unset and retries is above 0.',
        ),
      ),
      strategy: opt(
        enumOf(
          'Undo by going back to the last good release (rollback, the default) or by removing it (uninstall).',
          ['rollback', 'uninstall'],
        ),
      ),
    }),
  ),
  disableTakeOwnership: disableTakeOwnership('upgrade'),
  disableWait: disableWait('upgrade'),
  disableWaitForJobs: disableWaitForJobs('upgrade'),
  disableHooks: disableHooks('upgrade'),
  disableOpenAPIValidation: disableOpenAPIValidation('upgrade'),
  disableSchemaValidation: disableSchemaValidation('upgrade'),
  force: opt(
    bool(
      'Replace objects instead of patching them. Has no effect with server-side apply, which always takes over conflicting fields.',
    ),
  ),
  preserveValues: opt(
    bool(
      'Merge the values over those of the last release. The result then depends on more than the spec.',
    ),
  ),
  cleanupOnFail: cleanupOnFail('upgrade'),
  crds: crds('upgrade', 'Skip'),
  serverSideApply: serverSideApply('upgrade'),
  chartNameChangeStrategy: opt(
    enumOf(
      'What to do when the chart gets another name: uninstall and install (Reinstall, the default), or upgrade the release in place (InPlaceUpdate).',
      ['InPlaceUpdate', 'Reinstall'],
    ),
  ),
});

/** `spec.test`. */
export const test = object('Whether and how to run Helm tests after installs and upgrades.', {
  enable: opt(bool('Run the tests of the chart.')),
  timeout: timeout('tests'),
  ignoreFailures: opt(
    bool(
      'Do not count failed tests as a failed action; the remediation of an action can say otherwise.',
    ),
  ),
  filters: opt(
    list(
      'Tests to run or to leave out.',
      object('A test to run or to leave out.', {
        name: str('Name of the test.', { minLength: 1, maxLength: 253 }),
        exclude: opt(bool('Leave the test out.')),
      }),
    ),
  ),
});

/** `spec.rollback`. */
export const rollback = object('How to go back to an earlier release.', {
  timeout: timeout('rollback'),
  disableWait: disableWait('rollback'),
  disableWaitForJobs: disableWaitForJobs('rollback'),
  disableHooks: disableHooks('rollback'),
  recreate: opt(bool('Restart Pods. Deprecated: has no effect since Helm 4.')),
  force: opt(
    bool(
      'Replace objects instead of patching them. Has no effect with server-side apply, which always takes over conflicting fields.',
    ),
  ),
  cleanupOnFail: cleanupOnFail('rollback'),
  serverSideApply: serverSideApply('rollback'),
});

/** `spec.uninstall`. */
export const uninstall = object('How to uninstall the release.', {
  timeout: timeout('uninstall'),
  disableHooks: disableHooks('uninstall'),
  keepHistory: opt(
    bool('Delete the objects but keep the records of the release, marked as deleted.'),
  ),
  disableWait: opt(bool('Do not wait until the objects are gone.')),
  deletionPropagation: opt(
    enumOf(
      'How objects that are owned by the deleted ones are deleted.',
      ['background', 'foreground', 'orphan'],
      { default: 'background' },
    ),
  ),
});
