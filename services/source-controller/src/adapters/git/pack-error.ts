import { BudgetError } from '@sluice/shared/base';

/** A pack that is damaged or lacks objects. */
export class PackError extends Error {
  override name = 'PackError';
}

/** An object of a pack that is larger than allowed. */
export class ObjectSizeError extends BudgetError {
  override name = 'ObjectSizeError';
}
