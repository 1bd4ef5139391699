import { isConflict } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';
import type { Session } from '../session.ts';
import { nameOf, resourceOfTarget, type Target } from './target.ts';

/** What becomes of an object; null takes an annotation away. */
export interface Annotated {
  annotations: Record<string, string | null>;
  spec?: Record<string, unknown>;
}

/**
 * Writes annotations, and fields of the spec, to the very object that was looked at, not to one of the same name.
 *
 * @throws CliError when it is another one by now; ApiError, ConnectionError
 */
export async function annotate(
  { client }: Session,
  target: Target,
  { annotations, spec }: Annotated,
): Promise<void> {
  const { uid } = target.metadata;
  const patch = { metadata: { uid, annotations }, ...(spec && { spec }) };
  try {
    await client.patch<Target>(resourceOfTarget(target), target.metadata, patch, {
      type: 'merge',
      fieldManager: 'flux-sluice',
    });
  } catch (error) {
    if (!isConflict(error)) throw error;
    throw new CliError(`${nameOf(target)} is another object by now: look at it again`, {
      cause: error,
    });
  }
}
