import { BudgetError } from '@sluice/shared/base';

/** A pack that is damaged or lacks objects. */
export class PackError extends Error {
  override name = 'PackError';
}

/** A pack without the commit that was asked for. */
export class MissingCommitError extends PackError {
  override name = 'MissingCommitError';
}

/** An object of a pack that is larger than allowed. */
export class ObjectSizeError extends BudgetError {
  override name = 'ObjectSizeError';
}
