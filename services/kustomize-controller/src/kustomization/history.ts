import type { KustomizationStatus } from '@sluice/shared/api';
import { formatDuration } from '@sluice/shared/base';
import { apiTime } from '@sluice/shared/runtime';

type History = NonNullable<KustomizationStatus['history']>;

/** The outcome of applying a build. */
export interface HistoryRecord {
  /** `sha256:<hex>` of the built objects. */
  digest: string;
  /** Reason of the Ready condition. */
  status: string;
  revision: string;
  originRevision: string | undefined;
  nowMs: number;
  durationMs: number;
}

const maxEntries = 5;

/**
 * Adds an outcome to the history: the entry of the same digest and status is brought up to date, or a new one is made.
 * The latest comes first; at most five are kept.
 */
export function recordHistory(history: History | undefined, record: HistoryRecord): History {
  const { digest, status, revision, originRevision, nowMs, durationMs } = record;
  const isSame = (entry: History[number]) =>
    entry.digest === digest && entry.lastReconciledStatus === status;
  const known = history?.find(isSame);
  const now = apiTime(nowMs);
  const entry: History[number] = {
    digest,
    firstReconciled: known?.firstReconciled ?? now,
    lastReconciled: now,
    lastReconciledDuration: formatDuration(Math.max(1, Math.round(durationMs))),
    lastReconciledStatus: status,
    totalReconciliations: (known?.totalReconciliations ?? 0) + 1,
    metadata: { revision, ...(originRevision !== undefined && { originRevision }) },
  };
  return [entry, ...(history ?? []).filter((other) => !isSame(other))].slice(0, maxEntries);
}
