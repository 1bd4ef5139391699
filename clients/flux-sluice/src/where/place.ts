import type { HelmRelease, Kustomization } from '@sluice/shared/api';
import type { Target } from '../target/target.ts';
import type { Wanted } from './matches.ts';

/** What an object has to do with a revision: it runs it, does not yet, or has run it before another one. */
export type PlaceState = 'Running' | 'Pending' | 'Earlier';

/** An object that knows of a revision. */
export interface Place {
  namespace?: string;
  kind: string;
  name: string;
  state: PlaceState;
  /** What it runs. */
  revision?: string;
  /** Since when it runs that, or when it last ran the revision that is looked for. */
  since?: string;
  /** Why it does not yet. */
  message?: string;
}

/** One thing that was applied, or released. */
interface Applied {
  revisions: (string | undefined)[];
  since?: string;
  last?: string;
}

/** What an object has applied, the newest first. */
interface Past {
  current?: Applied;
  earlier: Applied[];
  attempted: (string | undefined)[];
}

/**
 * Says what an object has to do with a revision.
 *
 * @param sources revisions that its source holds now
 * @returns undefined when it has nothing to do with it
 */
export function placeOf(target: Target, wanted: Wanted, sources: string[]): Place | undefined {
  const past =
    target.kind === 'HelmRelease'
      ? releases(target as HelmRelease)
      : applied(target as Kustomization);
  const { current, earlier, attempted } = past;
  const { kind, metadata } = target;
  const revision = current?.revisions.find((one) => one !== undefined);
  const place = { namespace: metadata.namespace, kind, name: metadata.name, revision };
  if (current?.revisions.some(wanted)) return { ...place, state: 'Running', since: current.since };
  if ([...attempted, target.status?.plan?.revision, ...sources].some(wanted)) {
    return { ...place, state: 'Pending', since: current?.since, message: whyPending(target) };
  }
  const former = earlier.find(({ revisions }) => revisions.some(wanted));
  return former && { ...place, state: 'Earlier', since: former.last };
}

function applied({ status }: Kustomization): Past {
  const { lastAppliedRevision, lastAppliedOriginRevision, lastAttemptedRevision } = status ?? {};
  const entries = (status?.history ?? [])
    .filter(({ lastReconciledStatus }) => lastReconciledStatus === 'ReconciliationSucceeded')
    .map(({ metadata, firstReconciled, lastReconciled }) => ({
      revisions: [metadata?.['revision'], metadata?.['originRevision']],
      since: firstReconciled,
      last: lastReconciled,
    }));
  const now = entries.find(({ revisions }) => revisions[0] === lastAppliedRevision);
  return {
    ...(lastAppliedRevision !== undefined && {
      current: { revisions: [lastAppliedRevision, lastAppliedOriginRevision], since: now?.since },
    }),
    earlier: entries,
    attempted: [lastAttemptedRevision],
  };
}

function releases({ status }: HelmRelease): Past {
  const entries = (status?.history ?? []).map((release) => ({
    isDeployed: release.status === 'deployed',
    revisions: [release.chartVersion, release.ociDigest],
    since: release.lastDeployed,
    last: release.lastDeployed,
  }));
  const { lastAttemptedRevision, lastAttemptedRevisionDigest } = status ?? {};
  const current = entries.find(({ isDeployed }) => isDeployed);
  return {
    ...(current && { current }),
    earlier: entries.filter((entry) => entry !== current),
    attempted: [lastAttemptedRevision, lastAttemptedRevisionDigest],
  };
}

function whyPending({ spec, status }: Target): string {
  if (spec?.suspend) return 'suspended';
  if (status?.held !== undefined) return `held: ${status.held.reason}`;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.message ?? '';
}
