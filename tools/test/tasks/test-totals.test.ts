import { expect, test } from 'vitest';
import { totals } from '../../tasks/test-totals.ts';

function report(passed: number, failed: number, files: [string, number][]): string {
  return JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    testResults: files.map(([status, count]) => ({ status, assertionResults: Array(count) })),
  });
}

test.each([
  { name: 'counts tests', report: report(3, 1, [['failed', 4]]), exit: 1, is: [3, 1] },
  {
    name: 'counts a file that did not load',
    report: report(3, 0, [['failed', 0]]),
    exit: 1,
    is: [3, 1],
  },
  { name: 'never hides a bad end', report: report(3, 0, [['passed', 3]]), exit: 1, is: [3, 1] },
  { name: 'is clean when all is well', report: report(3, 0, [['passed', 3]]), exit: 0, is: [3, 0] },
  { name: 'fails without a report', report: undefined, exit: 0, is: [0, 1] },
])('$name', ({ report: text, exit, is: [passed, failed] }) => {
  expect(totals(text, exit)).toEqual({ passed, failed });
});
