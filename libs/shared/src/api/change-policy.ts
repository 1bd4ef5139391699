import { addition, enumOf, int, int64, object, opt, str, strList, time } from './builders.ts';
import { changeDigestPattern } from './delivery-common.ts';

/** `spec.changePolicy`: how changes of the source reach the cluster. */
export function changePolicy() {
  return object(
    'How changes of the source, the values or the spec reach the cluster. Drift is corrected in any case, towards what was applied last.',
    {
      mode: opt(
        enumOf(
          'Apply every change (Automatic, the default), apply a plan once it is approved (Approve), or only say what would be applied (Plan).',
          ['Automatic', 'Approve', 'Plan'],
        ),
      ),
      approvals: opt(
        int('How many users have to approve a plan in the mode Approve; 1 when unset.', {
          minimum: 1,
          maximum: 10,
        }),
      ),
      rollback: opt(
        enumOf(
          'Whether the last healthy build is applied again when a change does not become healthy in time (LastHealthy), or not (Never, the default). A HelmRelease goes back by spec.upgrade.remediation instead, and must not set LastHealthy.',
          ['Never', 'LastHealthy'],
        ),
      ),
      pruneGuard: opt(
        object('How much one change may delete before it has to be approved.', {
          maxPercent: opt(
            int('Largest share of the managed objects, in percent.', { minimum: 0, maximum: 100 }),
          ),
          maxObjects: opt(int('Largest number of objects.', { minimum: 0 })),
        }),
      ),
    },
    addition,
  );
}

/** Most Approvals by which `status.plan.rejections` says that a plan was rejected. */
export const maxRejections = 100;

/** `status.plan`: what would be applied. */
export function planSummary() {
  return object(
    'The change that waits, or is only planned.',
    {
      digest: str('Digest of the plan, by which an Approval names it.', {
        pattern: changeDigestPattern,
      }),
      revision: str('Revision of the source that it applies.'),
      create: int64('How many objects it creates.'),
      change: int64('How many objects it changes.'),
      delete: int64('How many objects it deletes.'),
      url: str('Path of the Plan with the objects and fields, at the API server.'),
      rejections: opt(
        strList(
          'The Approvals that reject it, of which the audit trail knows.',
          'UID of the Approval.',
          { maxItems: maxRejections },
        ),
      ),
    },
    addition,
  );
}

/** `status.held`: why a change waits. */
export function held() {
  return object(
    'Why the change waits. Nothing of it has been applied.',
    {
      reason: enumOf(
        'What it waits for: the end or beginning of a Window, an Approval, an Approval because it deletes much (PruneGuard), or nothing but another change (Plan, Rejected, RolledBack).',
        ['Window', 'Approval', 'PruneGuard', 'Plan', 'Rejected', 'RolledBack'],
      ),
      until: opt(time('When it stops waiting, if that is known.')),
    },
    addition,
  );
}

/** `status.change`: what the change policy has let through last. */
export function admittedChange() {
  return object(
    'The change that was let through last. It is applied again, and drift is corrected towards it, until another one is let through.',
    {
      digest: str('Digest of the change: the objects, and where and as whom they are applied.', {
        pattern: changeDigestPattern,
      }),
      revision: str('Revision of the source that it came from.'),
      plan: opt(str('Digest of the plan that was approved.', { pattern: changeDigestPattern })),
      healthy: opt(
        str('Digest of the last change that became healthy.', {
          pattern: changeDigestPattern,
        }),
      ),
      healthyRevision: opt(str('Revision of the source that the last healthy change came from.')),
      snapshot: opt(
        str('Digest of the content of its Snapshot, if there is one.', {
          pattern: changeDigestPattern,
        }),
      ),
      healthySnapshot: opt(
        str('Digest of the content of the Snapshot of the last healthy change, if there is one.', {
          pattern: changeDigestPattern,
        }),
      ),
      previous: opt(
        str('Digest of the change that was healthy before the last healthy one.', {
          pattern: changeDigestPattern,
        }),
      ),
      previousRevision: opt(str('Revision of the source that this earlier change came from.')),
      previousSnapshot: opt(
        str('Digest of the content of the Snapshot of this earlier change, if there is one.', {
          pattern: changeDigestPattern,
        }),
      ),
      refused: opt(
        str('Digest of the change that was rolled back; it is not applied again.', {
          pattern: changeDigestPattern,
        }),
      ),
      refusedBy: opt(str('Who asked for the rollback, if somebody did.')),
      refusedReason: opt(str('Why, in their words.')),
    },
    addition,
  );
}

/** `status.rollback`: the last request to go back. */
export function handledRollback() {
  return object(
    'What has become of the last request to go back to what was healthy before.',
    {
      requestedAt: str(
        'Value of the annotation `delivery.sluice.dev/rollback-requested-at` that was last acted upon.',
      ),
      result: enumOf('Whether it is gone back (Accepted) or not (Refused).', [
        'Accepted',
        'Refused',
      ]),
      message: str('To what, or why not.'),
    },
    addition,
  );
}
