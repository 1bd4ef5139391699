interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
}

/**
 * How many tests passed and failed. A file that could not be loaded counts as one failure, and a run that
 * ended badly never counts as zero failures.
 *
 * @param report the JSON report; undefined when the runner wrote none
 * @param exitCode the runner's
 */
export function totals(
  report: string | undefined,
  exitCode: number,
): { passed: number; failed: number } {
  if (report === undefined) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(report) as Report;
  const unloadable = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = numFailedTests + unloadable.length;
  return { passed: numPassedTests, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
}
