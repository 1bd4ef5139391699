import { createHash } from 'node:crypto';
import type { FluxEvent } from '@sluice/shared/api';
import type { DeliveryContext } from './adapter.ts';
import { DeliveryError } from './delivery-error.ts';
import { isProgress, reasonInWords, shortName } from './facts.ts';
import { fit } from './fit.ts';

/** The status that an event gives a commit. */
export interface CommitStatus {
  /** SHA of the commit. */
  commit: string;
  isFailure: boolean;
  /** Identifies it among the statuses of the commit. */
  id: string;
  /** The object, as `kind/name`. */
  name: string;
  description: string;
}

/** Characters of a name and of a description that every service takes but those that say otherwise. */
const maxText = 255;

/** Metadata that may name the commit, the first that is there counts. */
const revisionKeys = ['commit', 'originRevision', 'revision'];

/**
 * The status that an event gives a commit; none for one that says that something goes on.
 *
 * @throws DeliveryError when the event names no commit
 */
export function commitStatusOf(
  event: FluxEvent,
  context: DeliveryContext,
): CommitStatus | undefined {
  return isProgress(event) ? undefined : anyCommitStatusOf(event, context);
}

/**
 * The status that an event gives a commit, whatever it says.
 *
 * @throws DeliveryError when the event names no commit
 */
export function anyCommitStatusOf(event: FluxEvent, context: DeliveryContext): CommitStatus {
  return {
    commit: commitOf(event),
    isFailure: event.severity === 'error',
    id: context.commitStatusId,
    name: fit(shortName(event), maxText),
    description: fit(reasonInWords(event.reason), maxText),
  };
}

/** An identifier for services that allow 40 characters. */
export function shortId({ id }: CommitStatus): string {
  return createHash('sha1').update(id).digest('hex');
}

function commitOf({ metadata = {} }: FluxEvent): string {
  const key = revisionKeys.find((name) => metadata[name] !== undefined);
  if (key === undefined) {
    throw new DeliveryError('the event names no commit, as those of objects without a source', {
      permanent: true,
    });
  }
  const revision = metadata[key] as string;
  const [, commit] = /(?:^|[:/])([0-9a-f]{40}|[0-9a-f]{64})$/.exec(revision) ?? [];
  if (commit !== undefined) return commit;
  throw new DeliveryError(`the revision '${revision.slice(0, 100)}' of the event is no commit`, {
    permanent: true,
  });
}
