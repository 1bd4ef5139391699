import { BudgetError, WorkBudget } from '../base/index.ts';
import { compileGlob } from './glob.ts';

/** Name of the files inside a source that say what to leave out of its artifact. */
export const ignoreFileName = '.sourceignore';

const versionControl = ['.git/', '.gitignore', '.gitmodules', '.gitattributes'];
const defaults = [
  ...['*.jpg', '*.jpeg', '*.gif', '*.png', '*.wmv', '*.flv', '*.tar.gz', '*.zip'],
  ...['.github/', '.circleci/', '.travis.yml', '.gitlab-ci.yml', 'appveyor.yml', '.drone.yml'],
  ...['cloudbuild.yaml', 'codeship-services.yml', 'codeship-steps.yml'],
  ...['**/.goreleaser.yml', '**/.sops.yaml', '**/.flux.yaml'],
];

/** A `.sourceignore` file found in a source. */
export interface IgnoreFile {
  /** Directory of the file below the root; empty for the root. */
  dir: string;
  content: string;
}

/** What patterns may cost: their authors decide on all of it. */
export interface IgnoreLimits {
  /** Patterns of all files of a source and of its spec. */
  maxPatterns: number;
  /** Characters of one pattern. */
  maxPatternLength: number;
  /** Comparisons of a part of a path with a pattern, or with a character of it, for all paths together. */
  maxSteps: number;
}

export const defaultIgnoreLimits: IgnoreLimits = {
  maxPatterns: 5000,
  maxPatternLength: 1024,
  maxSteps: 100_000_000,
};

/** Tells whether a path is left out; throws BudgetError when the patterns have cost too much. */
export type IgnoreMatcher = (path: string, isDirectory: boolean) => boolean;

/** Undefined when the pattern says nothing about the path, else whether it leaves the path out. */
type Rule = (parts: string[], isDirectory: boolean) => boolean | undefined;

/**
 * Builds the matcher that decides which files of a source stay out of its artifact.
 *
 * Version control files are always out. The default exclusions hold only when neither a `.sourceignore` file
 * nor `spec.ignore` has a pattern. Later patterns win: `spec.ignore` over `.sourceignore`, deeper files over
 * those above. As in Flux, and unlike in Git, a file may come back by `!` although its directory is out.
 *
 * @param o.builtIn false: only what the patterns say is out
 * @throws BudgetError when there are too many patterns, or too long ones
 * @see https://fluxcd.io/flux/components/source/gitrepositories/#excluding-files
 */
export function createIgnore(o: {
  sourceignoreFiles: IgnoreFile[];
  specIgnore?: string;
  builtIn?: boolean;
  limits?: IgnoreLimits;
}): IgnoreMatcher {
  const limits = o.limits ?? defaultIgnoreLimits;
  const budget = new WorkBudget('matching the ignore patterns with the files', limits.maxSteps);
  const files = [...o.sourceignoreFiles].sort((a, b) => depth(a.dir) - depth(b.dir));
  const lines = files.flatMap((file) => linesOf(file.content, file.dir, ignoreFileName));
  if (o.specIgnore !== undefined) lines.push(...linesOf(o.specIgnore, '', 'spec.ignore'));
  checkLines(lines, limits);
  const defaulted = lines.length > 0 ? versionControl : [...versionControl, ...defaults];
  const builtIn = o.builtIn === false ? [] : defaulted;
  const rules = [
    ...builtIn.map((text) => compileRule({ text, domain: [], place: '' }, budget)),
    ...lines.map((line) => compileRule(line, budget)),
  ].reverse();
  return (path, isDirectory) => {
    const parts = partsOf(path);
    for (const rule of rules) {
      const verdict = rule(parts, isDirectory);
      if (verdict !== undefined) return verdict;
    }
    return false;
  };
}

function partsOf(path: string): string[] {
  return path === '' ? [] : path.split('/');
}

function depth(dir: string): number {
  return partsOf(dir).length;
}

/** A pattern, the directory it is for, and where it stands. */
interface Line {
  text: string;
  domain: string[];
  place: string;
}

function linesOf(content: string, dir: string, file: string): Line[] {
  const domain = partsOf(dir);
  const name = dir === '' ? file : `${dir}/${file}`;
  const lines: Line[] = [];
  for (const [index, raw] of content.split('\n').entries()) {
    const text = raw.replace(/\r$/, '');
    if (text.startsWith('#') || text.trim() === '') continue;
    lines.push({ text, domain, place: `${name}:${index + 1}` });
  }
  return lines;
}

function checkLines(lines: readonly Line[], limits: IgnoreLimits): void {
  if (lines.length > limits.maxPatterns) {
    throw new BudgetError(
      `spec.ignore and the ${ignoreFileName} files hold ${lines.length} patterns, more than ${limits.maxPatterns}: use patterns that match more`,
    );
  }
  for (const { text, place } of lines) {
    if (text.length <= limits.maxPatternLength) continue;
    throw new BudgetError(
      `${place}: the pattern has ${text.length} characters, more than ${limits.maxPatternLength}`,
    );
  }
}

function compileRule({ text, domain }: Line, budget: WorkBudget): Rule {
  const included = text.startsWith('!');
  let pattern = included ? text.slice(1) : text;
  if (!pattern.endsWith('\\ ')) pattern = pattern.replace(/ +$/, '');
  const directoryOnly = pattern.endsWith('/');
  if (directoryOnly) pattern = pattern.slice(0, -1);
  const matches = pattern.includes('/')
    ? compilePath(pattern, directoryOnly, budget)
    : compileName(pattern, directoryOnly, budget);
  return (parts, isDirectory) => {
    budget.take(1 + domain.length);
    if (parts.length <= domain.length) return undefined;
    if (domain.some((part, index) => parts[index] !== part)) return undefined;
    const inside = domain.length === 0 ? parts : parts.slice(domain.length);
    budget.take(inside.length);
    return matches(inside, isDirectory) ? !included : undefined;
  };
}

type PathTest = (parts: string[], isDirectory: boolean) => boolean;

/** A pattern without a slash applies to every part of the path, so to everything below a match too. */
function compileName(pattern: string, directoryOnly: boolean, budget: WorkBudget): PathTest {
  const glob = compileGlob(pattern, budget);
  return (parts, isDirectory) => {
    const at = parts.findIndex(glob);
    if (at < 0) return false;
    return !(directoryOnly && !isDirectory && at === parts.length - 1);
  };
}

interface Segment {
  /** Whether any number of directories may come before. */
  anywhere: boolean;
  glob: (name: string) => boolean;
}

/** A pattern with a slash is anchored, and covers everything below what it matches. */
function compilePath(pattern: string, directoryOnly: boolean, budget: WorkBudget): PathTest {
  const segments = segmentsOf(pattern, budget);
  if (segments === undefined) return () => false;
  return (parts, isDirectory) => {
    let at = 0;
    for (const { anywhere, glob } of segments) {
      if (anywhere) {
        while (at < parts.length && !glob(parts[at] as string)) at++;
      } else if (at < parts.length && !glob(parts[at] as string)) return false;
      if (at >= parts.length) return false;
      at++;
    }
    if (segments.length === 0) return false;
    return !(directoryOnly && !isDirectory && at === parts.length);
  };
}

/** Undefined when the pattern can match nothing, as `a**` between slashes. */
function segmentsOf(pattern: string, budget: WorkBudget): Segment[] | undefined {
  const segments: Segment[] = [];
  let anywhere = false;
  const parts = pattern.split('/');
  for (const [index, part] of parts.entries()) {
    if (part === '**') {
      if (index === parts.length - 1) break;
      anywhere = true;
    } else if (part === '') anywhere = false;
    else if (part.includes('**')) return undefined;
    else {
      segments.push({ anywhere, glob: compileGlob(part, budget) });
      anywhere = false;
    }
  }
  return segments;
}
