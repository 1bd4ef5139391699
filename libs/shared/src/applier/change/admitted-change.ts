import type { KustomizationStatus } from '@sluice/shared/api';

/** The change that was let through last. */
export type AdmittedChange = NonNullable<KustomizationStatus['change']>;
