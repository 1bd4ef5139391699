/** A chart that a repository offers. */
export interface OfferedChart {
  name: string;
  version: string;
  /** Where an index says the package is. */
  urls?: string[];
  /** SHA-256 of the package in hexadecimal digits, if known. */
  digest?: string;
}

/** A place that charts can be downloaded from. */
export interface ChartRepository {
  /**
   * Finds the chart of a version, or of the highest version in a range.
   *
   * @param range any released version when empty
   * @throws ChartError `InvalidChartReference` when there is none; RetryableError when the place cannot be asked
   */
  find(name: string, range: string): Promise<OfferedChart>;
  /**
   * Downloads a package and checks its digest, but not what is inside.
   *
   * @param path where a large package goes; the file must not exist
   * @returns the bytes, or the path
   * @throws RetryableError `ChartPullError` or `AuthenticationFailed`
   */
  download(chart: OfferedChart, path: string): Promise<Buffer | string>;
}
