/** What can be wrong with a chart, by the reason of the condition that says so. */
export const chartErrorReasons = [
  'InvalidChartReference',
  'ChartPullError',
  'MetadataPatchError',
  'ValuesFilesError',
  'DependencyBuildError',
  'ChartPackageError',
] as const;

export type ChartErrorReason = (typeof chartErrorReasons)[number];

/** A chart that cannot be found, read or made. Its name is the reason, so that it survives the way out of a thread. */
export class ChartError extends Error {
  override name: ChartErrorReason;

  constructor(reason: ChartErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = reason;
  }
}

/** An index that is refused. */
export class IndexError extends Error {
  override name = 'IndexError';
}
