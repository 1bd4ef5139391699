import type { KubeObject } from '@sluice/shared/api';
import { approvalKind, deliveryGroup } from '@sluice/shared/api';
import { digestOfParts } from '@sluice/shared/base';

/** Whether an object is a decision about plans: those in a source are applied at once, and no part of any plan. */
export function isApproval({ apiVersion, kind }: KubeObject): boolean {
  return kind === approvalKind.kind && apiVersion.startsWith(`${deliveryGroup}/`);
}

/**
 * Returns the digest of a change as `sha256:<hex>`.
 *
 * @param parts what is applied, and the fields of the spec that say where, as whom and how; the order counts
 */
export function changeDigestOf(parts: readonly unknown[]): string {
  const texts = parts.map((part) => JSON.stringify(part) ?? '');
  return `sha256:${digestOfParts(texts)}`;
}
