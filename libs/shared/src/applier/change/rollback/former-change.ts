import type { Kustomization } from '@sluice/shared/api';
import type { AdmittedChange } from '../admitted-change.ts';

/** A change of a Kustomization that was healthy, and can be applied again. */
export interface FormerChange {
  digest: string;
  revision: string;
  /** Digest of the content of its Snapshot; undefined when none is kept. */
  snapshot: string | undefined;
}

/** What a Kustomization goes back to when somebody asks for it, or why it cannot. */
export type WayBack<T> = { type: 'found'; to: T } | { type: 'none'; why: string };

const previousFields = ['previous', 'previousRevision', 'previousSnapshot'] as const;
const healthyFields = ['healthy', 'healthyRevision', 'healthySnapshot', ...previousFields] as const;

/** Returns some fields of a change, as far as it has them. */
function partOf<F extends keyof AdmittedChange>(
  change: AdmittedChange,
  fields: readonly F[],
): Pick<AdmittedChange, F> {
  const known = fields.filter((field) => change[field] !== undefined);
  return Object.fromEntries(known.map((field) => [field, change[field]])) as Pick<
    AdmittedChange,
    F
  >;
}

/** Returns what is remembered of healthy changes, whatever is let through next. */
export function healthyPart(
  change: AdmittedChange | undefined,
): Pick<AdmittedChange, (typeof healthyFields)[number]> {
  return change === undefined ? {} : partOf(change, healthyFields);
}

/** Returns a change that refuses nothing any more. */
export function withoutRefusal(change: AdmittedChange): AdmittedChange {
  const { refused: _, refusedBy: __, refusedReason: ___, ...rest } = change;
  return rest;
}

/** Whether Snapshots of what was healthy are kept. */
export function keepsSnapshots({ spec }: Pick<Kustomization, 'spec'>): boolean {
  const { mode, rollback } = spec.changePolicy ?? {};
  return mode === 'Approve' || rollback === 'LastHealthy';
}

/** Returns the last healthy change, or, where that is the present one, the one before. */
export function formerChange(
  object: Pick<Kustomization, 'spec' | 'status'>,
): WayBack<FormerChange> {
  const { change } = object.status ?? {};
  if (!keepsSnapshots(object) || change === undefined)
    return {
      type: 'none',
      why: 'no Snapshots of it are kept: set spec.changePolicy.rollback to LastHealthy, and what becomes healthy from then on can be gone back to',
    };
  const { digest, healthy, healthyRevision = '', healthySnapshot } = change;
  if (healthy !== undefined && healthy !== digest)
    return found({ digest: healthy, revision: healthyRevision, snapshot: healthySnapshot });
  const { previous, previousRevision = '', previousSnapshot } = change;
  if (previous === undefined)
    return {
      type: 'none',
      why: `no change before revision ${change.revision} was healthy and kept`,
    };
  return found({ digest: previous, revision: previousRevision, snapshot: previousSnapshot });
}

function found(to: FormerChange): WayBack<FormerChange> {
  if (to.snapshot !== undefined) return { type: 'found', to };
  return {
    type: 'none',
    why: `no Snapshot of revision ${to.revision} is kept: it was too large, or spec.changePolicy did not ask for one then`,
  };
}

/**
 * Returns the status of a change that another one is put in the place of, which is refused from then on: nothing but what
 * is gone back to is let through.
 *
 * @param asked who has asked for it and why, if somebody has
 */
export function goneBack(
  change: AdmittedChange,
  to: FormerChange,
  asked: { by?: string | undefined; reason?: string | undefined } = {},
): AdmittedChange {
  const { digest, revision, snapshot } = to;
  // What the source says stays refused, however far it is gone back.
  const refused = change.refused ?? change.digest;
  const { by, reason } = asked;
  const earlier = to.digest === change.previous ? {} : partOf(change, previousFields);
  return {
    digest,
    revision,
    healthy: digest,
    healthyRevision: revision,
    ...(snapshot && { snapshot, healthySnapshot: snapshot }),
    ...earlier,
    refused,
    ...(by !== undefined && { refusedBy: by }),
    ...(reason !== undefined && { refusedReason: reason }),
  };
}
