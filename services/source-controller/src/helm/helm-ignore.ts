import { compileGlob } from '@sluice/shared/artifact';
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
 * @throws ChartError `ChartPackageError` for `**`, which Helm does not know
 * @see https://helm.sh/docs/chart_template_guide/helm_ignore_file/
 */
export function compileHelmIgnore(content: string | undefined): HelmIgnore {
  const lines = (content ?? '')
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const rules = [...lines, ...defaultRules].map(compileRule);
  return (path, isDirectory) => {
    for (const { negated, directoryOnly, matches } of rules) {
      if (negated) {
        if ((directoryOnly && !isDirectory) || !matches(path)) return true;
      } else if ((!directoryOnly || isDirectory) && matches(path)) return true;
    }
    return false;
  };
}

function compileRule(line: string): Rule {
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
  return { negated, directoryOnly, matches: compilePattern(pattern) };
}

/** Without a slash a pattern is for the last part of a path, else for the whole of it. */
function compilePattern(pattern: string): (path: string) => boolean {
  if (!pattern.includes('/')) {
    const glob = compileGlob(pattern);
    return (path) => glob(path.slice(path.lastIndexOf('/') + 1));
  }
  const globs = pattern.replace(/^\//, '').split('/').map(compileGlob);
  return (path) => {
    const parts = path.split('/');
    return (
      parts.length === globs.length && globs.every((glob, index) => glob(parts[index] as string))
    );
  };
}
