import { ActionError } from './context.ts';

/**
 * Runs a step whose failure is told together with what it was for.
 *
 * @throws ActionError with the label before its message; everything else as it is
 */
export async function labelled<T>(label: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    throw new ActionError(`${label}: ${error.message}`);
  }
}
