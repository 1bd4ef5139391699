import { compileGlob, defaultIgnoreLimits } from '@sluice/shared/artifact';
import { WorkBudget } from '@sluice/shared/base';
import { ChartError } from './chart-error.ts';

/** Name of the file inside a chart that says what to leave out of its package. */
export const helmIgnoreFileName = '.helmignore';

/** Rules that always apply, after those of the file. */
const defaultRules = ['templates/.?*'];

interface Rule {
  negated: boolean;
  directoryOnly: boolean;
  matches(path: string): boolean;
}

/** Tells whether a file or directory of a chart is left out of its package. */
export type HelmIgnore = (path: string, isDirectory: boolean) => boolean;

/**
 * Compiles a `.helmignore` file. As in Helm, and unlike in Git, the first rule that matches decides, and a rule
 * that starts with `!` leaves out all that it does not match.
 *
 * @param content undefined without such a file
 * @throws ChartError `ChartPackageError` for `**`, which Helm does not know, and for too many rules; what it returns
 *   throws BudgetError when the rules have cost too much
 * @see https://helm.sh/docs/chart_template_guide/helm_ignore_file/
 */
export function compileHelmIgnore(content: string | undefined): HelmIgnore {
  const lines = (content ?? '')
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const { maxPatterns, maxPatternLength, maxSteps } = defaultIgnoreLimits;
  if (lines.length > maxPatterns || lines.some((line) => line.length > maxPatternLength)) {
    throw new ChartError(
      'ChartPackageError',
      `${helmIgnoreFileName}: it has more than ${maxPatterns} rules, or one of more than ${maxPatternLength} characters`,
    );
  }
  const budget = new WorkBudget(`matching ${helmIgnoreFileName} with the files`, maxSteps);
  const rules = [...lines, ...defaultRules].map((line) => compileRule(line, budget));
  return (path, isDirectory) => {
    for (const { negated, directoryOnly, matches } of rules) {
      budget.take(1);
      if (negated) {
        if ((directoryOnly && !isDirectory) || !matches(path)) return true;
      } else if ((!directoryOnly || isDirectory) && matches(path)) return true;
    }
    return false;
  };
}

function compileRule(line: string, budget: WorkBudget): Rule {
  if (line.includes('**')) {
    throw new ChartError(
      'ChartPackageError',
      `${helmIgnoreFileName}: '${line}' is refused, ** is not supported`,
    );
  }
  const negated = line.startsWith('!');
  let pattern = negated ? line.slice(1) : line;
  const directoryOnly = pattern.endsWith('/');
  if (directoryOnly) pattern = pattern.slice(0, -1);
  return { negated, directoryOnly, matches: compilePattern(pattern, budget) };
}

/** Without a slash a pattern is for the last part of a path, else for the whole of it. */
function compilePattern(pattern: string, budget: WorkBudget): (path: string) => boolean {
  if (!pattern.includes('/')) {
    const glob = compileGlob(pattern, budget);
    return (path) => glob(path.slice(path.lastIndexOf('/') + 1));
  }
  const globs = pattern
    .replace(/^\//, '')
    .split('/')
    .map((part) => compileGlob(part, budget));
  return (path) => {
    const parts = path.split('/');
    budget.take(parts.length);
    return (
      parts.length === globs.length && globs.every((glob, index) => glob(parts[index] as string))
    );
  };
}
