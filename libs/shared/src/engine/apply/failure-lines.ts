import type { GroupVersionKind } from '@sluice/shared/kube';
import { displayName, type ObjectId } from '../object/object-id.ts';
import { ObjectError } from './apply-error.ts';

/** Most failures that are told one by one, and most objects that are named for one of them. */
const maxLines = 10;
const maxNames = 3;

/** Names some things, and counts the rest. */
export function someOf(names: readonly string[], max: number = maxNames): string {
  const left = names.length - max;
  return left > 0 ? `${names.slice(0, max).join(', ')} and ${left} more` : names.join(', ');
}

/** Returns the kinds that the cluster does not serve, for lack of which objects have failed. */
export function missingKinds(failures: readonly { error: Error }[]): GroupVersionKind[] {
  return failures.flatMap(({ error }) =>
    error instanceof ObjectError && error.missing !== undefined ? [error.missing.gvk] : [],
  );
}

/**
 * Describes why objects failed, in lines that suit a condition: objects of a kind that the cluster does not serve are told
 * together, and of many failures the first ones, with the count of the rest.
 */
export function failureLines(failures: readonly { id: ObjectId; error: Error }[]): string[] {
  const lines: string[] = [];
  const missing = new Map<string, string[]>();
  for (const { id, error } of failures) {
    if (error instanceof ObjectError && error.missing !== undefined) {
      const { message } = error.missing;
      missing.set(message, [...(missing.get(message) ?? []), displayName(id)]);
    } else lines.push(error.message);
  }
  for (const [message, names] of missing) lines.push(`${someOf(names)}: ${message}`);
  const left = lines.length - maxLines;
  return left > 0 ? [...lines.slice(0, maxLines), `… and ${left} more`] : lines;
}
