import { ArchiveError } from '@sluice/shared/artifact';
import { BudgetError, RetryableError, StalledError } from '@sluice/shared/base';
import { ChartError, type ChartErrorReason } from '../helm/chart-error.ts';

/** What starts the message of each error, as clients know it. */
const summaries: Record<ChartErrorReason, string> = {
  InvalidChartReference: 'invalid chart reference',
  ChartPullError: 'chart pull error',
  MetadataPatchError: 'chart metadata patch error',
  ValuesFilesError: 'values files merge error',
  DependencyBuildError: 'dependency build error',
  ChartPackageError: 'chart package error',
};

/** Only another spec, or another revision of the source, which is an event, can help against these. */
const lasting: ChartErrorReason[] = [
  'InvalidChartReference',
  'MetadataPatchError',
  'ValuesFilesError',
];

/**
 * Runs work on a chart and turns what is wrong with it into the error that clients see.
 *
 * @throws StalledError, RetryableError with the reason of the ChartError
 */
export async function chartOperation<R>(run: () => Promise<R>): Promise<R> {
  try {
    return await run();
  } catch (error) {
    const chartError =
      error instanceof ArchiveError || error instanceof BudgetError
        ? new ChartError('ChartPackageError', error.message, { cause: error })
        : error;
    if (!(chartError instanceof ChartError)) throw error;
    const { name: reason, message } = chartError;
    const Kind = lasting.includes(reason) ? StalledError : RetryableError;
    throw new Kind(reason, `${summaries[reason]}: ${message}`, { cause: error });
  }
}
